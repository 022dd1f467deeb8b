using MailProxy.Pipeline.Storage.Sql;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Sqlite;

internal sealed class SqliteDeliveryLogTests
{
    private TemporaryStore _store = null!;

    [SetUp]
    public void Open() => _store = new();

    [TearDown]
    public void Remove() => _store.Dispose();

    [Test]
    public async Task Read_CommitThatIsNotPublishedYet_IsNotBeyondTheEnd()
    {
        var log = new SqlDeliveryLog(_store.Database, _store.Box, TimeProvider.System);
        await _store.RunAsync("INSERT INTO events (tenant, sequence, type, at, status, attempt) VALUES ('default', 0, 1, 1, 0, 0)");

        var (events, through) = await log.ReadAsync("default", 0, 10);

        Assert.That((events.Count, log.Last), Is.EqualTo((1, through)));
    }
}
