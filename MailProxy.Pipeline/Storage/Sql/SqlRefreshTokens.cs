using System.Text.Json;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>Refresh tokens, a row an account.</summary>
public sealed class SqlRefreshTokens(StoreDatabase database, SecretBox box, TimeProvider clock) : IRefreshTokens
{
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

    private static string OwnerOf(AccountKey account) => $"account/{account.Number}/refresh_token";
}
