using MailProxy.Pipeline.Storage.Sql;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Sqlite;

/// <summary>What SQLite reads for where a message stands in its lane, and for which message a Message-ID belongs to.</summary>
internal sealed class MessageSearchPlanTests
{
    private TemporaryStore _store = null!;

    [SetUp]
    public void Open() => _store = new();

    [TearDown]
    public void Remove() => _store.Dispose();

    [TestCase(LanePositions.AllFresh)]
    [TestCase(LanePositions.AllDue)]
    [TestCase(LanePositions.Fresh)]
    [TestCase(LanePositions.Deferred)]
    [TestCase(LanePositions.NextFresh)]
    [TestCase(LanePositions.NextDeferred)]
    public void Position_IsCountedInTheLanesIndexesAlone(string sql) =>
        Assert.That(
            Plan(sql),
            Does.Match("SEARCH queue USING COVERING INDEX queue_(lane|due|flow)")
                .And.Not.Contain("SCAN queue")
                .And.Not.Contain("TEMP B-TREE")
        );

    [Test]
    public void ByMessageId_EveryStatement_IsServedByAnIndex() =>
        Assert.Multiple(() =>
        {
            Assert.That(Plan(MessageIdSearch.Indexed), Does.Contain("messages_message_id (message_id_header=? AND tenant=? AND number<?)"));
            Assert.That(Plan(MessageIdSearch.IndexedOfAny), Does.Contain("messages_message_id (message_id_header=?"));
            Assert.That(Plan(MessageIdSearch.ById), Does.Contain("messages_name (tenant=? AND id=?"));
            Assert.That(Plan(MessageIdSearch.ByIdOfAny), Does.Contain("messages_name (tenant=? AND id=?").And.Not.Contain("SCAN messages"));
        });

    private string Plan(string sql) =>
        _store.Database.Readers.Read(session =>
            string.Join(
                '\n',
                session.Query(
                    "EXPLAIN QUERY PLAN " + Enumerable.Range(1, 5).Aggregate(sql, static (text, n) => text.Replace($"?{n}", $"{n}")),
                    static row => row.Text(3)
                )
            )
        );
}
