using System.Collections.Concurrent;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Mail;
using Microsoft.Data.Sqlite;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>Accounts in the accounts table, with sealed secrets; every change has an entry in the audit log.</summary>
public sealed class SqliteAccountStore : IAccountStore
{
    internal const string SuspendedSetting = "dispatcher.suspended";

    private readonly CommitLoop _writer;
    private readonly SqliteReaders _readers;
    private readonly AccountRows _rows;
    private readonly TimeProvider _clock;

    // Includes deleted accounts, because events name them as long as the events are kept.
    private readonly ConcurrentDictionary<AccountKey, string> _names;

    private SqliteAccountStore(
        SqliteDatabase database,
        AccountRows rows,
        TimeProvider clock,
        ConcurrentDictionary<AccountKey, string> names
    )
    {
        _writer = database.Writer;
        _readers = database.Readers;
        _rows = rows;
        _clock = clock;
        _names = names;
    }

    /// <summary>Opens the store, and reads the names of all accounts.</summary>
    public static SqliteAccountStore Open(SqliteDatabase database, SecretBox box, TimeProvider clock)
    {
        var names = database.Readers.Read(AccountRows.Names);
        return new(database, new(box), clock, new(names.Select(n => KeyValuePair.Create(n.Key, n.Id))));
    }

    /// <summary>
    /// First start: creates the account <c>sandbox</c> of the tenant <c>default</c>. Does nothing if any account ever existed, so that a
    /// deleted sandbox stays deleted.
    /// </summary>
    public async Task EnsureSandboxAsync()
    {
        var sandbox = new SmtpAccount
        {
            Key = default,
            Tenant = "default",
            Id = "sandbox",
            Version = 0,
            Sandbox = true,
            Description = "The built-in catcher.",
        };
        var key = await _writer.WriteAsync<AccountKey?>(db =>
            db.QueryNumber("SELECT EXISTS (SELECT 1 FROM accounts)") == 1 ? null : Create(db, sandbox, "mailproxy")
        );
        if (key is { } created)
            _names[created] = sandbox.Id;
    }

    public Task<IReadOnlyList<SmtpAccount>> AccountsAsync() => _readers.ReadAsync<IReadOnlyList<SmtpAccount>>(_rows.All);

    public async Task<bool> PutAccountAsync(SmtpAccount account, string actor)
    {
        var created = await _writer.WriteAsync<AccountKey?>(db =>
        {
            if (_rows.Find(db, account.Tenant, account.Id) is not { } before)
                return Create(db, account, actor);

            _rows.Update(db, before.Key, account, Now);
            var after = Audited(account, before.Paused) with
            {
                PasswordChanged = before.Password != account.Password,
                DkimKeyChanged = before.Dkim?.PrivateKey != account.Dkim?.PrivateKey,
            };
            AuditRows.Append(db, Now, actor, "account.replace", Subject(account), Audited(before, before.Paused).ToJson(), after.ToJson());
            return null;
        });
        if (created is { } key)
            _names[key] = account.Id;
        return created is not null;
    }

    public Task<DeleteResult> DeleteAccountAsync(string tenant, string id, string actor) =>
        _writer.WriteAsync(db =>
        {
            if (_rows.Find(db, tenant, id) is not { } account)
                return DeleteResult.NotFound;
            if (AccountRows.HasMail(db, account.Key))
                return DeleteResult.InUse;

            AccountRows.SoftDelete(db, account.Key, Now);
            AuditRows.Append(db, Now, actor, "account.delete", Subject(account), Audited(account, account.Paused).ToJson(), null);
            return DeleteResult.Deleted;
        });

    public Task<bool> SetPausedAsync(string tenant, string id, bool paused, string actor) =>
        _writer.WriteAsync(db =>
        {
            if (_rows.Find(db, tenant, id) is not { } account)
                return false;
            if (account.Paused == paused)
                return true;

            AccountRows.SetPaused(db, account.Key, paused, Now);
            AuditRows.Append(
                db,
                Now,
                actor,
                paused ? "account.pause" : "account.resume",
                Subject(account),
                Audited(account, !paused).ToJson(),
                Audited(account, paused).ToJson()
            );
            return true;
        });

    public Task<bool> SuspendedAsync() => _readers.ReadAsync(Suspended);

    public Task SetSuspendedAsync(bool suspended, string actor) =>
        _writer.WriteAsync(db =>
        {
            if (Suspended(db) == suspended)
                return false;

            db.Run(
                "INSERT INTO settings (name, value) VALUES (@name, @value) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                ("@name", SuspendedSetting),
                ("@value", Text(suspended))
            );
            AuditRows.Append(
                db,
                Now,
                actor,
                suspended ? "dispatcher.suspend" : "dispatcher.activate",
                "dispatcher",
                Text(!suspended),
                Text(suspended)
            );
            return true;
        });

    public string? NameOf(AccountKey account) => _names.GetValueOrDefault(account);

    private long Now => _clock.GetUtcNow().ToUnixTimeMilliseconds();

    private AccountKey Create(SqliteConnection db, SmtpAccount account, string actor)
    {
        var key = _rows.Insert(db, account, Now);
        AuditRows.Append(db, Now, actor, "account.create", Subject(account), null, Audited(account, paused: false).ToJson());
        return key;
    }

    private static bool Suspended(SqliteConnection db) =>
        db.QueryNumber(
            "SELECT EXISTS (SELECT 1 FROM settings WHERE name = @name AND value = @value)",
            ("@name", SuspendedSetting),
            ("@value", Text(true))
        ) == 1;

    internal static AuditedAccount Audited(SmtpAccount account, bool paused) =>
        new(AccountConfig.Of(account), account.PasswordSet, account.Dkim is not null, paused);

    private static string Subject(SmtpAccount account) => $"account/{account.Tenant}/{account.Id}";

    // The value as JSON, for the audit log.
    private static string Text(bool value) => value ? "true" : "false";
}
