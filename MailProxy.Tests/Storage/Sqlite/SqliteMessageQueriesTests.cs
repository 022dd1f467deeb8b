using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Search;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Storage.Sql;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Sqlite;

/// <summary>By which indexes SQLite finds messages.</summary>
internal sealed class SqliteMessageQueriesTests
{
    private TemporaryStore _store = null!;

    private IMessageQueries Queries => new SqlMessageQueries(_store.Database, _store.Spool);

    [SetUp]
    public void Open() => _store = new();

    [TearDown]
    public void Remove() => _store.Dispose();

    [Test]
    public void Page_AnyFilter_NeedsNoSort() =>
        Assert.Multiple(() =>
        {
            foreach (var filter in MessageSeeds.Filters())
                Assert.That(Plan(filter), Does.Not.Contain("TEMP B-TREE"), filter.ToString());
        });

    [Test]
    public void Page_AnyFilter_IsServedByAnIndexOrIsTheBoundedScan() =>
        Assert.Multiple(() =>
        {
            foreach (var filter in MessageSeeds.Filters())
            {
                var sql = new MessageListSql(filter, [], 1_000, 77);
                Assert.That((sql.Text.Contains("LIMIT ?"), sql.Values[^1]), Is.EqualTo((true, (object)77)), filter.ToString());
                Assert.That(
                    Plan(filter),
                    Does.StartWith("SEARCH m USING INDEX ")
                        .Or.StartsWith("SEARCH m USING COVERING INDEX ")
                        .Or.StartsWith("SEARCH r USING COVERING INDEX recipients_address (address=? AND message<?)")
                        .Or.StartsWith("SEARCH r USING INDEX recipients_address (address=? AND message<?)")
                        // By arrival number, newest first, from the page on.
                        .Or.StartsWith("SEARCH q USING INTEGER PRIMARY KEY (rowid<?)")
                        .Or.StartsWith("SEARCH m USING INTEGER PRIMARY KEY (rowid<?)")
                        .Or.StartsWith("SEARCH m USING INTEGER PRIMARY KEY (rowid=?)"),
                    filter.ToString()
                );
            }
        });

    [TestCase(MessageState.Failed, "messages_tenant_state (tenant=? AND state=? AND rowid<?)")]
    [TestCase(MessageState.Deferred, "messages_tenant_state (tenant=? AND state=? AND rowid<?)")]
    [TestCase(MessageState.Held, "messages_tenant_state (tenant=? AND state=? AND rowid<?)")]
    [TestCase(MessageState.Queued, "SEARCH q USING INTEGER PRIMARY KEY")]
    public void Page_StatesThatAreFew_AreFoundByTheirIndex(MessageState state, string driver) =>
        Assert.That(Plan(new("default", state)), Does.StartWith("SEARCH").And.Contain(driver));

    [Test]
    public void Page_OfWhatIsSent_ReadsNothingButTheAttemptsThatHaveBegun()
    {
        var plan = Plan(new("default", MessageState.Sending));
        Assert.That(plan, Does.Contain("SEARCH o USING INTEGER PRIMARY KEY").And.Contain("SEARCH m USING INTEGER PRIMARY KEY"));
        Assert.That(plan, Does.Not.Contain("SCAN o").And.Not.Contain("SCAN m"));
    }

    [Test]
    public async Task List_AnAttemptThatIsSettled_IsNotSentAnyMore()
    {
        var number = (await _store.SeedAsync([new() { Id = "m1", Begun = true }])).Single();
        await _store.RunAsync("UPDATE queue SET attempt = attempt + 1");

        Assert.That((await Queries.ListAsync(new(null, MessageState.Sending), 10, null)).Messages, Is.Empty);
        var waiting = (await Queries.ListAsync(new(null, MessageState.Queued), 10, null)).Messages.Single();
        Assert.That((waiting.Number, waiting.State), Is.EqualTo((number, MessageState.Queued)));
    }

    [Test]
    public void Page_OfATenant_MeetsNoMessageOfAnother() =>
        Assert.Multiple(() =>
        {
            // But for lists of one recipient, and of what waits: those meet others' too, and are cut.
            MessageFilter[] filters =
            [
                new("t"),
                new("t", MessageState.Sent),
                new("t", Batch: "b"),
                new("t", Tag: "x"),
                new("t", Account: new(1)),
                new("t", Priority: Priority.Low),
                new("t", CreatedAfter: 1),
                new("t", CreatedBefore: 1),
                new("t", MessageState.Cancelled),
                new("t", MessageState.Expired, Batch: "b", Tag: "x"),
            ];
            foreach (var filter in filters)
                Assert.That(Plan(filter), Does.StartWith("SEARCH m USING").And.Contain("tenant=?"), filter.ToString());
        });

    [TestCase(null)]
    [TestCase("bob@example.com")]
    public async Task List_FewAmongMany_IsCutAndGoesOn(string? to)
    {
        await _store.SeedAsync(
            Enumerable
                .Range(0, 50)
                .Select(i => new SeedMessage
                {
                    Id = $"m{i}",
                    Tenant = i is 3 or 40 ? "mine" : "other",
                    Priority = Priority.Low,
                    Recipients = ["bob@example.com"],
                })
        );
        var filter = new MessageFilter(to is null ? null : "mine", Priority: to is null ? Priority.High : null, To: to);
        var (pages, found) = (0, 0);
        long? before = null;
        do
        {
            var page = await _store.Database.Readers.SnapshotAsync(session =>
                MessagePages.Read(session, _store.Database.Claims, filter, 10, before, scanned: 8)
            );
            Assert.That(page.Scanned, page.Next is null ? Is.Null : Is.EqualTo(8), "a page that was cut says so");
            found += page.Messages.Count;
            before = page.Next;
            pages++;
        } while (before is not null);
        Assert.That((pages, found), Is.EqualTo((7, to is null ? 0 : 2)));
    }

    [Test]
    public async Task List_LargeMessages_IsCutByTheirWeight()
    {
        var metadata = $$"""{"a":"{{new string('x', MessagePages.Weight / 4)}}"}""";
        await _store.SeedAsync(Enumerable.Range(0, 10).Select(i => new SeedMessage { Id = $"m{i}", Metadata = metadata }));
        var first = await Queries.ListAsync(new("default"), 10, null);
        var second = await Queries.ListAsync(new("default"), 10, first.Next);
        var third = await Queries.ListAsync(new("default"), 10, second.Next);
        Assert.That(
            ((int[])[first.Messages.Count, second.Messages.Count, third.Messages.Count], third.Next),
            Is.EqualTo((new[] { 4, 4, 2 }, (long?)null))
        );
    }

    [TestCase(QueueCounting.FirstPlain)]
    [TestCase(QueueCounting.FirstInBatch)]
    [TestCase(QueueCounting.FirstDue)]
    [TestCase(QueueCounting.LatePlain)]
    [TestCase(QueueCounting.LateInBatch)]
    [TestCase(QueueCounting.LateDue)]
    public void Counts_OfALane_AreLookedUpInItsIndexes(string sql)
    {
        var plan = _store.Database.Readers.Read(session =>
            session.Query(
                "EXPLAIN QUERY PLAN " + sql.Replace("?1", "1").Replace("?2", "2").Replace("?3", "3").Replace("?4", "4"),
                static row => row.Text(3)
            )
        );
        Assert.That(
            string.Join('\n', plan),
            Does.Match("SEARCH queue USING (COVERING )?INDEX queue_(lane|age|due)")
                .And.Not.Contain("SCAN queue")
                .And.Not.Contain("TEMP B-TREE")
        );
    }

    private static IEnumerable<TestCaseData> Indexed()
    {
        foreach (var tenant in new[] { null, "default" })
        {
            yield return new(tenant, new MessageTerm.Id("m1"), "messages_name");
            yield return new(tenant, new MessageTerm.MessageId("<a@b>"), "messages_message_id");
            yield return new(tenant, new MessageTerm.Word("ann@example.com"), "recipients_address");
        }
    }

    [TestCaseSource(nameof(Indexed))]
    public void List_SearchThatAnIndexKnows_ScansNothing(string? tenant, MessageTerm term, string index)
    {
        var plan = Plan(new(tenant) { Terms = [term] });
        Assert.That(plan, Does.Contain(index).And.Contain("SEARCH m USING INTEGER PRIMARY KEY").And.Not.Contain("SCAN m"));
    }

    private string Plan(MessageFilter filter)
    {
        var sql = new MessageListSql(filter, [new(1, 1, 0)], long.MaxValue, 50);
        return _store.Database.Readers.Read(session =>
            string.Join('\n', session.Query("EXPLAIN QUERY PLAN " + sql.Text, static row => row.Text(3), sql.Values))
        );
    }
}
