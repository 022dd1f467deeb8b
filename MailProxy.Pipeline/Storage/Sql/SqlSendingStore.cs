using System.Collections.Concurrent;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Accounts;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>Whether sending is suspended, in the settings; and the names of all accounts there ever were.</summary>
public sealed class SqlSendingStore : ISendingStore
{
    internal const string SuspendedSetting = "dispatcher.suspended";

    private readonly CommitLoop _writer;
    private readonly StoreReaders _readers;
    private readonly TimeProvider _clock;

    // Includes deleted accounts, because events name them as long as the events are kept.
    private readonly ConcurrentDictionary<AccountKey, string> _names;

    private SqlSendingStore(StoreDatabase database, TimeProvider clock, ConcurrentDictionary<AccountKey, string> names) =>
        (_writer, _readers, _clock, _names) = (database.Writer, database.Readers, clock, names);

    /// <summary>Opens the store, and reads the names of all accounts.</summary>
    public static SqlSendingStore Open(StoreDatabase database, TimeProvider clock)
    {
        var names = database.Readers.Read(static session =>
            session.Query("SELECT number, id FROM accounts", row => KeyValuePair.Create(new AccountKey(row.Int(0)), row.Text(1)))
        );
        return new(database, clock, new(names));
    }

    /// <summary>
    /// First start: creates the account <c>sandbox</c> of the tenant <c>default</c>. Does nothing if any account ever existed, so that a
    /// deleted sandbox stays deleted.
    /// </summary>
    public async Task EnsureSandboxAsync(IConfigurationStore configuration)
    {
        if (await _readers.ReadAsync(static session => session.QueryNumber("SELECT EXISTS (SELECT 1 FROM accounts)")) == 1)
            return;
        var sandbox = AccountFields.Noun.New(Tenant.DefaultId, "sandbox") with { Sandbox = true, Description = "The built-in catcher." };
        await configuration.PutAsync(AccountFields.Noun, new(sandbox.Tenant, sandbox.Id, 0, sandbox), "mailproxy");
    }

    public Task<bool> SuspendedAsync() => _readers.ReadAsync(Suspended);

    public Task SetSuspendedAsync(bool suspended, string actor) =>
        _writer.WriteAsync(session =>
        {
            if (Suspended(session) == suspended)
                return false;

            session.Run(
                "INSERT INTO settings (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                SuspendedSetting,
                Text(suspended)
            );
            AuditRows.Append(
                session,
                _clock.GetUtcNow().ToUnixTimeMilliseconds(),
                actor,
                suspended ? "dispatcher.suspend" : "dispatcher.activate",
                "dispatcher",
                Text(!suspended),
                Text(suspended)
            );
            return true;
        });

    public string? NameOf(AccountKey account) => _names.GetValueOrDefault(account);

    public void Learn(IEnumerable<SmtpAccount> accounts)
    {
        foreach (var account in accounts)
            _names.TryAdd(account.Key, account.Id);
    }

    private static bool Suspended(Session session) =>
        session.QueryNumber("SELECT EXISTS (SELECT 1 FROM settings WHERE name = ?1 AND value = ?2)", SuspendedSetting, Text(true)) == 1;

    // The value as JSON, for the audit log.
    private static string Text(bool value) => value ? "true" : "false";
}
