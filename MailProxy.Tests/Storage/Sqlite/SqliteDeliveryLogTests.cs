using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Storage.Sql;
using MailProxy.Tests.Support;
using Microsoft.Data.Sqlite;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Sqlite;

internal sealed class SqliteDeliveryLogTests : DeliveryLogContract
{
    private TemporaryStore _store = null!;
    private SqliteConnection? _stranger;

    protected override IDeliveryLog Log => new SqlDeliveryLog(_store.Database, _store.Box, Clock);

    protected override IConfigurationStore Store => new SqlConfigurationStore(_store.Database, _store.Box, Clock);

    [SetUp]
    public void Open() => _store = new();

    [TearDown]
    public void Remove()
    {
        _stranger?.Dispose();
        _stranger = null;
        _store.Dispose();
    }

    protected override void Reopen() => _store.Close();

    protected override Task<List<long>> SeedAsync(IEnumerable<SeedMessage> seeds) => _store.SeedAsync(seeds);

    protected override async Task<AccountKey> PutAccountAsync(string id)
    {
        var accounts = new SqlConfigurationStore(_store.Database, _store.Box, TimeProvider.System);
        await accounts.PutAccountAsync(
            new()
            {
                Key = default,
                Tenant = "default",
                Id = id,
                Version = 0,
                Sandbox = true,
            },
            "ann"
        );
        return (await accounts.AccountsAsync()).Single().Key;
    }

    protected override Task AppendEventAsync(long message, NewEvent e, long at) =>
        _store.Database.Writer.WriteAsync(_ =>
        {
            _store.Database.Writer.Events.Append(message, e, at);
            return true;
        });

    [Test]
    public async Task Read_CommitThatIsNotPublishedYet_IsNotBeyondTheEnd()
    {
        await _store.RunAsync("INSERT INTO events (tenant, sequence, type, at, status, attempt) VALUES ('default', 0, 1, 1, 0, 0)");

        var (events, through) = await Log.ReadAsync("default", 0, 10);

        Assert.That((events.Count, Log.Last), Is.EqualTo((1, through)));
    }

    /// <summary>Another program holds the database's write lock; the writer is told not to wait for it.</summary>
    protected override async Task BreakAsync()
    {
        await _store.RunAsync("PRAGMA busy_timeout=0");
        _stranger = new SqliteConnection(
            new SqliteConnectionStringBuilder { DataSource = _store.Database.Path, Pooling = false }.ToString()
        );
        _stranger.Open();
        _stranger.Run("BEGIN IMMEDIATE");
    }

    protected override void Mend() => _stranger!.Run("ROLLBACK");

    protected override IReadOnlyList<(string Actor, string Action, string Text)> Audit() =>
        _store.Query(
            "SELECT actor, action, coalesce(before, '') || coalesce(after, '') FROM audit ORDER BY number",
            row => (row.GetString(0), row.GetString(1), row.GetString(2))
        );
}
