using System.Text;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Storage.Sqlite;
using Microsoft.Data.Sqlite;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Sqlite;

internal sealed class SqliteMessageQueriesTests : MessageQueriesContract
{
    private TemporaryStore _store = null!;

    protected override IMessageQueries Queries => new SqliteMessageQueries(_store.Database, _store.Spool);

    [SetUp]
    public void Open() => _store = new();

    [TearDown]
    public void Remove() => _store.Dispose();

    [Test]
    public void Page_AnyFilter_NeedsNoSort() => Assert.Multiple(() =>
    {
        foreach (var filter in MessageSeeds.Filters()) Assert.That(Plan(filter), Does.Not.Contain("TEMP B-TREE"), filter.ToString());
    });

    [TestCase(MessageState.Failed, "messages_notable")]
    [TestCase(MessageState.Deferred, "messages_notable")]
    [TestCase(MessageState.Held, "messages_notable")]
    [TestCase(MessageState.Sending, "queue_unready")]
    [TestCase(MessageState.Queued, "SEARCH q USING INTEGER PRIMARY KEY")]
    public void Page_StatesThatAreFew_AreFoundByTheirIndex(MessageState state, string driver) =>
        Assert.That(Plan(new("default", state)), Does.StartWith("SEARCH").And.Contain(driver));

    [Test]
    public void Page_Failed_ReadsNoMessageOfAnotherTenant() =>
        Assert.That(Plan(new("default", MessageState.Failed, Priority: Priority.High)), Does.Contain("COVERING INDEX messages_notable"));

    [TestCase(QueueCounting.Ready, "queue_lane")]
    [TestCase(QueueCounting.Waiting, "messages_notable")]
    public void Counts_Backlog_IsCountedInAnIndexAlone(string sql, string index)
    {
        var plan = _store.Database.Readers.Read((SqliteConnection db) => db.Query("EXPLAIN QUERY PLAN " + sql.Replace("?1", "1").Replace("?2", "2"), row => row.GetString(3)));
        Assert.That(plan[0], Does.Contain("COVERING INDEX " + index));
    }

    protected override Task<List<long>> SeedAsync(IEnumerable<SeedMessage> seeds) => _store.SeedAsync(seeds);

    protected override Task PutAccountAsync(string id) => SqliteAccountStore.Open(_store.Database, _store.Box, TimeProvider.System)
        .PutAccountAsync(new() { Key = default, Tenant = "default", Id = id, Version = 0, Sandbox = true }, "ann");

    protected override Task AppendEventAsync(long message, NewEvent e, long at) => _store.Database.Writer.WriteAsync(_ =>
    {
        _store.Database.Writer.Events.Append(message, e, at);
        return true;
    });

    protected override Task<string> SpoolAsync(string json) => _store.Spool.WriteAsync(Encoding.UTF8.GetBytes(json));

    private string Plan(MessageFilter filter) => _store.Database.Readers.Read((SqliteConnection db) => string.Join('\n', db.Query(
        "EXPLAIN QUERY PLAN " + MessageListSql.Page(filter), row => row.GetString(3),
        [.. MessageListSql.Parameters(filter), ("@before", long.MaxValue), ("@limit", 50)])));
}
