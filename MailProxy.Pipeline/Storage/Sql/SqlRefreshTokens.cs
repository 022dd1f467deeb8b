using System.Text.Json;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>Refresh tokens, a row an account.</summary>
public sealed class SqlRefreshTokens(StoreDatabase database, SecretBox box, TimeProvider clock) : IRefreshTokens
{
    /// <summary>The time after which a node's turn counts no more: it can ask twice, and write what it was given.</summary>
    public static readonly TimeSpan LongestTurn = TimeSpan.FromMinutes(2);

    // Several nodes share a PostgreSQL database only, and its clock is the one that all have.
    private const string Take = """
        INSERT INTO token_turns (account, session, taken_at) VALUES (?1, ?2, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
        ON CONFLICT (account) DO UPDATE SET session = excluded.session, taken_at = excluded.taken_at
            WHERE token_turns.session = excluded.session OR token_turns.taken_at < excluded.taken_at - ?3
                OR NOT EXISTS (SELECT 1 FROM nodes WHERE nodes.session = token_turns.session AND nodes.dead_at IS NULL)
        RETURNING account
        """;

    public Task<string?> FindAsync(AccountKey account, string given) =>
        database.Readers.ReadAsync(session =>
        {
            var stored = session.QueryFirst("SELECT token FROM refresh_tokens WHERE account = ?1", row => row.Blob(0), account.Number);
            if (stored is null)
                return null;
            using var pair = JsonDocument.Parse(box.Open(stored, OwnerOf(account)));
            return pair.RootElement.GetProperty("given").ValueEquals(given) ? pair.RootElement.GetProperty("now").GetString() : null;
        });

    public Task SaveAsync(AccountKey account, string given, string now)
    {
        var pair = new JsonObject { ["given"] = given, ["now"] = now }.ToJsonString();
        return database.Writer.WriteAsync(session =>
            session.Run(
                """
                INSERT INTO refresh_tokens (account, token, at)
                SELECT number, ?2, ?3 FROM accounts WHERE number = ?1 AND deleted_at IS NULL
                ON CONFLICT (account) DO UPDATE SET token = excluded.token, at = excluded.at
                """,
                account.Number,
                box.Seal(pair, OwnerOf(account)),
                clock.GetUtcNow().ToUnixTimeMilliseconds()
            )
        );
    }

    public async Task<bool> TryTakeTurnAsync(AccountKey account) =>
        !database.Nodes.IsShared
        || await database.Writer.WriteAsync(session =>
            session.QueryNumber(Take, (long)account.Number, database.Nodes.Me, (long)LongestTurn.TotalMilliseconds) is not null
        );

    public Task EndTurnAsync(AccountKey account) =>
        database.Nodes.IsShared
            ? database.Writer.WriteAsync(session =>
                session.Run("DELETE FROM token_turns WHERE account = ?1 AND session = ?2", account.Number, database.Nodes.Me)
            )
            : Task.CompletedTask;

    private static string OwnerOf(AccountKey account) => $"account/{account.Number}/refresh_token";
}
