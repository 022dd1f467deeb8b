using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;
using Microsoft.Data.Sqlite;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>
/// The accounts table: seals secrets when writing and decrypts them when reading. A secret is bound to its account's number, which is
/// never reused.
/// </summary>
internal sealed class AccountRows(SecretBox box)
{
    private const string Select =
        "SELECT number, tenant, id, version, paused, config, password, dkim_key FROM accounts WHERE deleted_at IS NULL";

    /// <summary>Accounts that are not deleted, by number.</summary>
    public List<SmtpAccount> All(SqliteConnection db) => db.Query(Select + " ORDER BY number", Row);

    public SmtpAccount? Find(SqliteConnection db, string tenant, string id) =>
        db.QueryFirst(Select + " AND tenant = @tenant AND id = @id", Row, ("@tenant", tenant), ("@id", id));

    /// <summary>Every account, including deleted ones.</summary>
    public static List<(AccountKey Key, string Id)> Names(SqliteConnection db) =>
        db.Query("SELECT number, id FROM accounts", row => (new AccountKey(row.GetInt32(0)), row.GetString(1)));

    public AccountKey Insert(SqliteConnection db, SmtpAccount account, long now)
    {
        var number = (int)
            db.QueryNumber(
                "INSERT INTO accounts (tenant, id, version, config, created_at, updated_at) VALUES (@tenant, @id, 0, '', @now, "
                    + "@now) RETURNING number",
                ("@tenant", account.Tenant),
                ("@id", account.Id),
                ("@now", now)
            )!.Value;
        Update(db, new(number), account, now);
        return new(number);
    }

    /// <summary>Writes everything except whether the account is paused.</summary>
    public void Update(SqliteConnection db, AccountKey key, SmtpAccount account, long now) =>
        db.Run(
            "UPDATE accounts SET version = version + 1, config = @config, password = @password, dkim_key = @dkim, updated_at = "
                + "@now WHERE number = @number",
            ("@number", key.Number),
            ("@config", AccountConfig.Of(account).ToJson()),
            ("@now", now),
            ("@password", account.Password is { } password ? box.Seal(password, PasswordOwner(key)) : null),
            ("@dkim", account.Dkim is { } dkim ? box.Seal(dkim.PrivateKey, DkimOwner(key)) : null)
        );

    public static void SetPaused(SqliteConnection db, AccountKey key, bool paused, long now) =>
        db.Run(
            "UPDATE accounts SET version = version + 1, paused = @paused, updated_at = @now WHERE number = @number",
            ("@number", key.Number),
            ("@paused", paused ? 1 : 0),
            ("@now", now)
        );

    /// <summary>Marks the account as deleted: number and names stay, secrets and the counts of its limits are deleted.</summary>
    public static void SoftDelete(SqliteConnection db, AccountKey key, long now)
    {
        db.Run("DELETE FROM limit_uses WHERE key = @key", ("@key", LimitKey.Of(key).Stored));
        db.Run(
            "UPDATE accounts SET version = version + 1, password = NULL, dkim_key = NULL, updated_at = @now, deleted_at = @now "
                + "WHERE number = @number",
            ("@number", key.Number),
            ("@now", now)
        );
    }

    public static bool HasMail(SqliteConnection db, AccountKey key) =>
        db.QueryNumber(
            """
            SELECT EXISTS (SELECT 1 FROM queue WHERE state = 0 AND lane = @lane)
                OR EXISTS (SELECT 1 FROM queue INDEXED BY queue_unready WHERE state <> 0 AND lane = @lane)
            """,
            ("@lane", Lanes.Of(key).Number)
        ) == 1;

    private SmtpAccount Row(SqliteDataReader row)
    {
        var key = new AccountKey(row.GetInt32(0));
        var account = new SmtpAccount
        {
            Key = key,
            Tenant = row.GetString(1),
            Id = row.GetString(2),
            Version = row.GetInt32(3),
            Paused = row.GetInt32(4) != 0,
            Password = row.BytesOrNull(6) is { } password ? box.Open(password, PasswordOwner(key)) : null,
        };
        var dkimKey = row.BytesOrNull(7) is { } dkim ? box.Open(dkim, DkimOwner(key)) : null;
        return AccountConfig.FromJson(row.GetString(5)).ApplyTo(account, dkimKey);
    }

    private static string PasswordOwner(AccountKey key) => $"account/{key.Number}/password";

    private static string DkimOwner(AccountKey key) => $"account/{key.Number}/dkim";
}
