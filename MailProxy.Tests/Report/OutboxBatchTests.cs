using System.Text;
using System.Text.Json;
using MailProxy.Pipeline.Report;
using NUnit.Framework;

namespace MailProxy.Tests.Report;

/// <summary>How events are cut into batches, and kept so.</summary>
internal sealed class OutboxBatchTests : OutboxFixture
{
    [Test]
    public void Next_Batches_HoldAtMostAsManyAsAsked()
    {
        var outbox = new Outbox(1, 3, 0);
        outbox.Add(Enumerable.Range(1, 5).Select(i => Event(i, "m")), 5);
        var first = Next(outbox)!;
        outbox.End(first, acknowledged: true);

        Assert.Multiple(() =>
        {
            Assert.That(first.Events.Select(e => e.Position), Is.EqualTo(new[] { 1, 2, 3 }));
            Assert.That(Next(outbox)!.Events.Select(e => e.Position), Is.EqualTo(new[] { 4, 5 }));
        });
    }

    [Test]
    public void Body_Batch_HasTheShapeOfTheContract()
    {
        var outbox = new Outbox(1, 2, 0);
        outbox.Add([Event(1, "a"), Event(2, "b")], 2);

        using var body = JsonDocument.Parse(Next(outbox)!.Body);

        Assert.Multiple(() =>
        {
            Assert.That(body.RootElement.GetProperty("type").GetString(), Is.EqualTo("batch"));
            Assert.That(body.RootElement.GetProperty("timestamp").GetString(), Is.EqualTo("1970-01-01T00:00:02.000Z"));
            Assert.That(
                body.RootElement.GetProperty("data").GetProperty("events").EnumerateArray().Select(e => e.GetProperty("id").GetString()),
                Is.EqualTo(new[] { "evt_1", "evt_2" })
            );
        });
    }

    [Test]
    public void Body_BatchOfOne_IsABatchAllTheSame()
    {
        var outbox = new Outbox(1, 2, 0);
        outbox.Add([Event(1, "a")], 1);

        Assert.That(
            Encoding.UTF8.GetString(Next(outbox)!.Body),
            Does.StartWith("""{"type":"batch","timestamp":"1970-01-01T00:00:01.000Z","data":{"events":[{"id":"evt_1",""")
        );
    }

    [Test]
    public void Next_BatchNotKept_WaitsUntilItIs()
    {
        var outbox = new Outbox(8, 10, 0);
        outbox.Add([Event(1, "a"), Event(2, "b")], 2);
        outbox.Cut();

        Assert.Multiple(() =>
        {
            Assert.That(outbox.Next(null), Is.Null);
            Assert.That(outbox.Probe("8 1:7-9"), Is.Null);
            Assert.That(outbox.Next(outbox.Kept)!.Id, Is.EqualTo("batch_1-2"));
        });
    }

    [Test]
    public void Next_Kept_IsCutInTheSameWayThoughMoreHasCome()
    {
        var before = new Outbox(8, 100, 0);
        before.Add(Enumerable.Range(1, 40).Select(i => Event(i, "m" + i)), 40);
        var acknowledged = Next(before)!;
        before.Add(Enumerable.Range(41, 40).Select(i => Event(i, "m" + i)), 80);
        before.End(acknowledged, acknowledged: true);
        var tried = Next(before)!;
        before.Add(Enumerable.Range(81, 40).Select(i => Event(i, "m" + i)), 120);

        // The position of before the first answer was stored last: what was acknowledged then is known to be by how the batch is cut.
        var after = new Outbox(8, 100, 0, before.Kept);
        after.Add(Enumerable.Range(1, 60).Select(i => Event(i, "m" + i)), 60);
        Assert.That(Next(after), Is.Null, "not all of it is read");
        after.Add(Enumerable.Range(61, 60).Select(i => Event(i, "m" + i)), 120);
        var again = Next(after)!;

        Assert.Multiple(() =>
        {
            Assert.That(again.Id, Is.EqualTo(tried.Id).And.EqualTo("batch_41-80"));
            Assert.That(again.Body, Is.EqualTo(tried.Body));
            Assert.That(after.Kept, Is.EqualTo(before.Kept));
            Assert.That(after.Acknowledged, Is.EqualTo(40));
        });
    }

    [Test]
    public void Next_KeptForAnotherNumberOfStrands_IsCutAnew()
    {
        var outbox = new Outbox(4, 100, 0, "8 ff:1-2");
        outbox.Add(Enumerable.Range(1, 3).Select(i => Event(i, "m" + i)), 3);

        Assert.That(Next(outbox)!.Id, Is.EqualTo("batch_1-3"));
    }

    [Test]
    public void Next_ManyWait_FullBatchesGoBesideEachOther()
    {
        var outbox = new Outbox(8, 10, 0);
        outbox.Add(Enumerable.Range(1, 400).Select(i => Event(i, "m" + i)), 400);

        var requests = Requests(outbox);

        Assert.Multiple(() =>
        {
            Assert.That(requests, Has.Count.EqualTo(8));
            Assert.That(requests.Select(request => request.Events.Count), Is.All.EqualTo(10));
        });
    }
}
