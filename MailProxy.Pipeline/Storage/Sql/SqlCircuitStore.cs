using System.Data.Common;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>Circuits that are not closed, a row an account.</summary>
public sealed partial class SqlCircuitStore(StoreDatabase database, ILogger logger) : ICircuitStore
{
    public async Task<IReadOnlyList<Circuit>> AllAsync()
    {
        var circuits = new List<Circuit>();
        foreach (var (account, json) in await RowsAsync())
        {
            if (StoredCircuit.Read(account, json) is { } circuit)
                circuits.Add(circuit);
            else
                Log.Damaged(logger, account.Number);
        }

        return circuits;
    }

    public Task SaveAsync(IReadOnlyCollection<KeyValuePair<AccountKey, Circuit?>> changed) =>
        database.Writer.WriteAsync(session =>
        {
            foreach (var (account, circuit) in changed)
            {
                if (circuit is null)
                    session.Run("DELETE FROM account_circuits WHERE account = ?1", account.Number);
                else
                    session.Run(
                        """
                        INSERT INTO account_circuits (account, circuit)
                        SELECT number, ?2 FROM accounts WHERE number = ?1 AND deleted_at IS NULL
                        ON CONFLICT (account) DO UPDATE SET circuit = excluded.circuit
                        """,
                        account.Number,
                        StoredCircuit.Write(circuit)
                    );
            }

            return true;
        });

    // Without them mail is sent all the same, so they are no reason not to start.
    private async Task<List<(AccountKey Account, string Json)>> RowsAsync()
    {
        try
        {
            return await database.Readers.ReadAsync(static session =>
                session.Query(
                    """
                    SELECT c.account, c.circuit FROM account_circuits c
                    JOIN accounts a ON a.number = c.account WHERE a.deleted_at IS NULL
                    """,
                    static row => (new AccountKey(row.Int(0)), row.Text(1))
                )
            );
        }
        catch (DbException error)
        {
            Log.Unreadable(logger, error);
            return [];
        }
    }

    private static partial class Log
    {
        [LoggerMessage(451, LogLevel.Error, "How accounts in trouble stood cannot be read; their mail goes as if they stood well")]
        public static partial void Unreadable(ILogger logger, Exception fault);

        [LoggerMessage(450, LogLevel.Warning, "How account {Account} stood in trouble cannot be read; its mail goes as if it stood well")]
        public static partial void Damaged(ILogger logger, int account);
    }
}
