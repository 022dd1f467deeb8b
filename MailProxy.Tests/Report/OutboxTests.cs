using System.Text;
using System.Text.Json;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Report;
using NUnit.Framework;

namespace MailProxy.Tests.Report;

public sealed class OutboxTests
{
    [Test]
    public void Next_OneMessage_HasOneRequestAtATime()
    {
        var outbox = new Outbox(8, 1, 0);
        outbox.Add([Event(1, "m"), Event(2, "m")], 2);
        var first = outbox.Next()!;

        Assert.Multiple(() =>
        {
            Assert.That(first.Id, Is.EqualTo("evt_1"));
            Assert.That(outbox.Next(), Is.Null);
            outbox.End(first, acknowledged: true);
            Assert.That(outbox.Next()!.Id, Is.EqualTo("evt_2"));
        });
    }

    [Test]
    public void Next_ManyMessages_AreAsManyAsThereAreStrands()
    {
        var outbox = new Outbox(8, 1, 0);
        outbox.Add(Enumerable.Range(1, 200).Select(i => Event(i, $"m{i}")), 200);

        Assert.That(Requests(outbox), Has.Count.EqualTo(8));
    }

    [Test]
    public void Acknowledged_WithAHole_StopsBeforeIt()
    {
        var outbox = new Outbox(8, 1, 0);
        outbox.Add(Enumerable.Range(1, 200).Select(i => Event(i, $"m{i}")), 250);
        var requests = Requests(outbox);
        var oldest = requests.Single(request => request.Events[0].Position == 1);
        foreach (var request in requests.Where(request => request != oldest)) outbox.End(request, acknowledged: true);
        Assert.That(outbox.Acknowledged, Is.Zero);

        outbox.End(oldest, acknowledged: true);

        Assert.That(outbox.Acknowledged, Is.EqualTo(outbox.Oldest!.Position - 1).And.GreaterThan(0));
    }

    [Test]
    public void Acknowledged_EverythingDone_IsAllThatWasRead()
    {
        var outbox = new Outbox(8, 10, 5);
        outbox.Add([Event(7, "a")], 9);
        outbox.End(outbox.Next()!, acknowledged: true);

        Assert.Multiple(() =>
        {
            Assert.That(outbox.Acknowledged, Is.EqualTo(9));
            Assert.That(outbox.Count, Is.Zero);
            Assert.That(outbox.Oldest, Is.Null);
        });
    }

    [Test]
    public void Next_AfterAFailure_IsTheSameRequestThoughMoreHasCome()
    {
        var outbox = new Outbox(1, 10, 0);
        outbox.Add([Event(1, "a"), Event(2, "b")], 2);
        var tried = outbox.Next()!;
        var body = tried.Body;
        outbox.Add([Event(3, "c")], 3);
        outbox.End(tried, acknowledged: false);

        var again = outbox.Next()!;

        Assert.Multiple(() =>
        {
            Assert.That(again.Id, Is.EqualTo("batch_1-2"));
            Assert.That(again.Body, Is.EqualTo(body));
        });
    }

    [Test]
    public void Next_SameEventsAfterARestart_AreTheSameBytesUnderTheSameId()
    {
        OutboxRequest Cut()
        {
            var outbox = new Outbox(8, 100, 0);
            outbox.Add(Enumerable.Range(1, 40).Select(i => Event(i, "m" + (i % 5))), 40);
            return outbox.Next()!;
        }

        var (before, after) = (Cut(), Cut());

        Assert.Multiple(() =>
        {
            Assert.That(after.Id, Is.EqualTo(before.Id));
            Assert.That(after.Body, Is.EqualTo(before.Body));
        });
    }

    [Test]
    public void Next_Batches_HoldAtMostAsManyAsAsked()
    {
        var outbox = new Outbox(1, 3, 0);
        outbox.Add(Enumerable.Range(1, 5).Select(i => Event(i, "m")), 5);
        var first = outbox.Next()!;
        outbox.End(first, acknowledged: true);

        Assert.Multiple(() =>
        {
            Assert.That(first.Events.Select(e => e.Position), Is.EqualTo(new[] { 1, 2, 3 }));
            Assert.That(outbox.Next()!.Events.Select(e => e.Position), Is.EqualTo(new[] { 4, 5 }));
        });
    }

    [Test]
    public void Probe_WhileAnythingIsUnderWay_IsNull()
    {
        var outbox = new Outbox(8, 1, 0);
        outbox.Add(Enumerable.Range(1, 50).Select(i => Event(i, $"m{i}")), 50);
        var requests = Requests(outbox);
        foreach (var request in requests.Skip(1)) outbox.End(request, acknowledged: false);
        Assert.That(outbox.Probe(), Is.Null);

        outbox.End(requests[0], acknowledged: false);

        Assert.That(outbox.Probe()!.Id, Is.EqualTo("evt_1"));
    }

    [Test]
    public void Body_Batch_HasTheShapeOfTheContract()
    {
        var outbox = new Outbox(1, 2, 0);
        outbox.Add([Event(1, "a"), Event(2, "b")], 2);

        using var body = JsonDocument.Parse(outbox.Next()!.Body);

        Assert.Multiple(() =>
        {
            Assert.That(body.RootElement.GetProperty("type").GetString(), Is.EqualTo("batch"));
            Assert.That(body.RootElement.GetProperty("timestamp").GetString(), Is.EqualTo("1970-01-01T00:00:02.000Z"));
            Assert.That(
                body.RootElement.GetProperty("data").GetProperty("events").EnumerateArray().Select(e => e.GetProperty("id").GetString()),
                Is.EqualTo(new[] { "evt_1", "evt_2" }));
        });
    }

    [Test]
    public void Body_BatchOfOne_IsABatchAllTheSame()
    {
        var outbox = new Outbox(1, 2, 0);
        outbox.Add([Event(1, "a")], 1);

        Assert.That(Encoding.UTF8.GetString(outbox.Next()!.Body), Does.StartWith("""{"type":"batch","timestamp":"1970-01-01T00:00:01.000Z","data":{"events":[{"id":"evt_1","""));
    }

    private static List<OutboxRequest> Requests(Outbox outbox)
    {
        var requests = new List<OutboxRequest>();
        while (outbox.Next() is { } next) requests.Add(next);
        return requests;
    }

    private static MailEvent Event(long position, string message) =>
        new(position, EventType.MessageQueued, position * 1000, "default", message, 1, MessageState.Queued, "main", 0, null, null, null, default);
}
