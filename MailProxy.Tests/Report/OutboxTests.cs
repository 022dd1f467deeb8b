using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Report;
using NUnit.Framework;

namespace MailProxy.Tests.Report;

internal sealed class OutboxTests : OutboxFixture
{
    [Test]
    public void Next_OneMessage_HasOneRequestAtATime()
    {
        var outbox = new Outbox(8, 1, 0);
        outbox.Add([Event(1, "m"), Event(2, "m")], 2);
        var first = Next(outbox)!;

        Assert.Multiple(() =>
        {
            Assert.That(first.Id, Is.EqualTo("evt_1"));
            Assert.That(Next(outbox), Is.Null);
            outbox.End(first, acknowledged: true);
            Assert.That(Next(outbox)!.Id, Is.EqualTo("evt_2"));
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
        foreach (var request in requests.Where(request => request != oldest))
            outbox.End(request, acknowledged: true);
        Assert.That(outbox.Acknowledged, Is.Zero);

        outbox.End(oldest, acknowledged: true);

        Assert.That(outbox.Acknowledged, Is.EqualTo(outbox.Oldest!.Position - 1).And.GreaterThan(0));
    }

    [Test]
    public void Acknowledged_EverythingDone_IsAllThatWasRead()
    {
        var outbox = new Outbox(8, 10, 5);
        outbox.Add([Event(7, "a")], 9);
        outbox.End(Next(outbox)!, acknowledged: true);

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
        var tried = Next(outbox)!;
        var body = tried.Body;
        outbox.Add([Event(3, "c")], 3);
        outbox.End(tried, acknowledged: false);

        var again = Next(outbox)!;

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
            return Next(outbox)!;
        }

        var (before, after) = (Cut(), Cut());

        Assert.Multiple(() =>
        {
            Assert.That(after.Id, Is.EqualTo(before.Id));
            Assert.That(after.Body, Is.EqualTo(before.Body));
        });
    }

    [Test]
    public void Probe_WhileAnythingIsUnderWay_IsNull()
    {
        var outbox = new Outbox(8, 1, 0);
        outbox.Add(Enumerable.Range(1, 50).Select(i => Event(i, $"m{i}")), 50);
        var requests = Requests(outbox);
        foreach (var request in requests.Skip(1))
            outbox.End(request, acknowledged: false);
        Assert.That(Probe(outbox), Is.Null);

        outbox.End(requests[0], acknowledged: false);

        Assert.That(Probe(outbox)!.Id, Is.EqualTo("evt_1"));
    }

    [Test]
    public void Next_AnyOrderOfAnswers_EveryMessageInItsOrderAndNothingLost([Values(1, 3, 100)] int maxBatch, [Range(1, 20)] int seed)
    {
        var chance = new Random(seed);
        var (told, flying) = (new List<MailEvent>(), new List<OutboxRequest>());
        var outbox = new Outbox(8, maxBatch, 0);
        for (var read = 0; read < 500 || flying.Count > 0; )
        {
            if (read < 500 && chance.Next(3) == 0)
            {
                var page = Enumerable.Range(read + 1, chance.Next(1, 60)).Where(i => i <= 500).ToArray();
                outbox.Add(page.Select(i => Event(i, "m" + i * 7919 % 23)), read = page[^1]);
            }

            while (Next(outbox) is { } next)
                flying.Add(next);
            if (flying.Count == 0)
                continue;
            var over = flying[chance.Next(flying.Count)];
            flying.Remove(over);
            var acknowledged = chance.Next(4) > 0;
            outbox.End(over, acknowledged);
            if (acknowledged)
                told.AddRange(over.Events);
            if (chance.Next(10) > 0 || flying.Count > 0)
                continue;

            // A crash: what the store has is the position and the cuts.
            read = (int)outbox.Acknowledged;
            outbox = new(8, maxBatch, outbox.Acknowledged, outbox.Kept);
        }

        while (Next(outbox) is { } next)
        {
            outbox.End(next, acknowledged: true);
            told.AddRange(next.Events);
        }

        Assert.Multiple(() =>
        {
            Assert.That(outbox.Acknowledged, Is.EqualTo(500));
            Assert.That(told.Select(one => one.Position).Distinct().Count(), Is.EqualTo(500));
            foreach (var message in told.DistinctBy(one => one.Position).GroupBy(one => one.MessageId))
                Assert.That(message.Select(one => one.Position), Is.Ordered);
        });
    }
}
