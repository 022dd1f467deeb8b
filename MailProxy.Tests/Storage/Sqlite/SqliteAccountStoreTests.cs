using System.Text;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage.Sqlite;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Sqlite;

internal sealed class SqliteAccountStoreTests : AccountStoreContract
{
    private TemporaryStore _store = null!;
    private SqliteAccountStore? _accounts;

    protected override IAccountStore Store => Accounts;

    private SqliteAccountStore Accounts => _accounts ??= SqliteAccountStore.Open(_store.Database, _store.Box, TimeProvider.System);

    [SetUp]
    public void Open() => _store = new();

    [TearDown]
    public void Remove()
    {
        _accounts = null;
        _store.Dispose();
    }

    [Test]
    public async Task Put_Password_IsNowhereInTheFiles()
    {
        await Store.PutAccountAsync(Account("one", "correct-horse-battery"), "ann");
        _store.Close();
        foreach (var file in Directory.GetFiles(_store.Path))
            Assert.That(Encoding.Latin1.GetString(await File.ReadAllBytesAsync(file)), Does.Not.Contain("correct-horse"), file);
    }

    [Test]
    public async Task Delete_Account_WipesItsSecrets()
    {
        await Store.PutAccountAsync(Account("one", "a") with { Dkim = new("example.com", "s", "key") }, "ann");
        await Store.DeleteAccountAsync("default", "one", "ann");
        var kept = _store.Query(
            "SELECT password IS NULL AND dkim_key IS NULL AND deleted_at IS NOT NULL FROM accounts",
            row => row.GetInt64(0)
        );
        Assert.That(kept, Is.EqualTo([1]));
    }

    [Test]
    public async Task Accounts_SealedPasswordsSwapped_IsRefused()
    {
        await Store.PutAccountAsync(Account("one", "a"), "ann");
        await Store.PutAccountAsync(Account("two", "b"), "ann");
        await _store.RunAsync("UPDATE accounts SET password = (SELECT password FROM accounts o WHERE o.id = 'one') WHERE id = 'two'");
        Assert.That(Store.AccountsAsync, Throws.TypeOf<StoreRefusedException>());
    }

    protected override void Reopen()
    {
        _accounts = null;
        _store.Close();
    }

    protected override Task EnsureSandboxAsync() => Accounts.EnsureSandboxAsync();

    protected override Task QueueMailAsync(AccountKey account, int queueState) =>
        _store.RunAsync(
            "INSERT INTO queue (lane, priority, due, state, revision, attempt, round, recipients, expires_at) VALUES "
                + "(@account, 2, 0, @state, 1, 0, 0, 1, 0)",
            ("@account", account.Number),
            ("@state", queueState)
        );

    protected override IReadOnlyList<AuditRow> Audit() =>
        _store.Query(
            "SELECT actor, action, object, before, after FROM audit ORDER BY number",
            row => new AuditRow(row.GetString(0), row.GetString(1), row.GetString(2), row.TextOrNull(3), row.TextOrNull(4))
        );

    private static SmtpAccount Account(string id, string password) =>
        new()
        {
            Key = default,
            Tenant = "default",
            Id = id,
            Version = 0,
            Host = "smtp.example.com",
            Port = 25,
            User = "u",
            Password = password,
        };
}
