using MailProxy.Pipeline.Accounts;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>Keys of sign-ins, a row each.</summary>
public sealed class SqlPageKeys(StoreDatabase database, SecretBox box, TimeProvider clock) : IPageKeys
{
    public Task<IReadOnlyList<string>> AllAsync() =>
        database.Readers.ReadAsync<IReadOnlyList<string>>(session =>
            session.Query("SELECT name, xml FROM page_keys ORDER BY at, name", row => box.Open(row.Blob(1), OwnerOf(row.Text(0))))
        );

    public Task AddAsync(string name, string xml) =>
        database.Writer.WriteAsync(session =>
            session.Run(
                "INSERT INTO page_keys (name, xml, at) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO NOTHING",
                name,
                box.Seal(xml, OwnerOf(name)),
                clock.GetUtcNow().ToUnixTimeMilliseconds()
            )
        );

    private static string OwnerOf(string name) => $"page_key/{name}";
}
