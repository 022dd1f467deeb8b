using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Report;
using NUnit.Framework;

namespace MailProxy.Tests.Report;

/// <summary>What a call tells and when the next one is; without clock and network.</summary>
public sealed class SyncConversationTests
{
    private const long Now = 1_700_000_000_000,
        Hour = 3_600_000;

    [Test]
    public void NextCall_NeverCalled_IsNow() => Assert.That(Talk(calledAt: null).NextCall(Now), Is.EqualTo(Now));

    [Test]
    public void NextCall_NothingToTell_IsEveryFiveMinutesAlsoAfterARestart() =>
        Assert.That(Talk(calledAt: Now - 100_000).NextCall(Now), Is.EqualTo(Now + 200_000));

    [Test]
    public void NextCall_QuietWasAsked_IsToTheSecond()
    {
        var talk = Talk();
        Answer(talk, after: (Now / 1000) + 7_777);
        Assert.That(talk.NextCall(Now), Is.EqualTo(((Now / 1000) + 7_777) * 1000));
        Assert.That(Talk(stored: talk.In(new(0))).NextCall(Now), Is.EqualTo(((Now / 1000) + 7_777) * 1000), "after a restart too");

        talk.Live.Add([Event(1, "a")], 1);
        Assert.That(talk.NextCall(Now), Is.EqualTo(Now), "events break it");
    }

    [Test]
    public void NextCall_QuietForEver_IsAWeek()
    {
        var talk = Talk();
        Answer(talk, after: 1_700_000_000_000); // milliseconds, by mistake
        Assert.That(talk.NextCall(Now), Is.EqualTo(Now + 7 * 24 * Hour));
    }

    [Test]
    public void NextCall_RunNow_BreaksTheQuietOnce()
    {
        var talk = Talk();
        Answer(talk, after: (Now / 1000) + 500);
        talk.Hurry();
        Assert.That(talk.NextCall(Now), Is.EqualTo(Now));

        Answer(talk, after: (Now / 1000) + 500);
        Assert.That(talk.NextCall(Now), Is.EqualTo(Now + 500_000));
    }

    [Test]
    public void NextCall_Queued_IsAtOnceAHundredTimesThenEverySecond()
    {
        var talk = Talk();
        Answer(talk, queued: 7);
        for (var i = 0; i < 100; i++)
        {
            Assert.That(talk.NextCall(Now), Is.EqualTo(Now), $"call {i}");
            Answer(talk, queued: 1);
        }

        Assert.That(talk.NextCall(Now), Is.EqualTo(Now + 1_000));
        Answer(talk, queued: 1);
        Assert.That(talk.NextCall(Now), Is.EqualTo(Now + 1_000));
        Answer(talk);
        Answer(talk, queued: 1);
        Assert.That(talk.NextCall(Now), Is.EqualTo(Now), "a new row");
    }

    [Test]
    public void NextCall_QueuedBeforeARestart_IsAtOnceAfterIt()
    {
        var talk = Talk();
        Answer(talk, queued: 1, after: (Now / 1000) + 900);
        Assert.That(Talk(stored: talk.In(new(0))).NextCall(Now), Is.EqualTo(Now));
    }

    [Test]
    public void Cut_OldestFirst_UpToABatch()
    {
        var talk = Talk(maxBatch: 2);
        talk.Live.Add([Event(3, "a"), Event(5, "b"), Event(7, "c")], 9);
        var first = talk.Cut(Now);
        Answer(talk, call: first);

        Assert.Multiple(() =>
        {
            Assert.That(first.Fresh.Select(e => e.Position), Is.EqualTo(new[] { 3, 5 }));
            Assert.That(talk.In(new(0)).Acknowledged, Is.EqualTo(6));
            Assert.That(talk.Cut(Now).Fresh.Single().Position, Is.EqualTo(7));
        });
    }

    [Test]
    public void Failed_NothingIsAcknowledged()
    {
        var talk = Talk();
        talk.Live.Add([Event(1, "a")], 1);
        var call = talk.Cut(Now);
        talk.Failed(Now);
        Assert.That((talk.In(new(0)).Acknowledged, talk.Cut(Now).Fresh.Count), Is.EqualTo((0L, call.Fresh.Count)));
    }

    [Test]
    public void Answered_InError_ComesAgainWithTheSteps()
    {
        var talk = Talk();
        talk.Live.Add([Event(1, "a"), Event(2, "b")], 2);
        Answer(talk, "a");
        var kept = talk.In(new(0));
        var waits = new List<long>();
        for (var now = Now; waits.Count < 5; )
        {
            var due = talk.In(new(0)).Resends[1].Due;
            waits.Add(due - now);
            Assert.That(talk.Cut(due - 1).Again, Is.Empty);
            Answer(talk, now: now = due, call: talk.Cut(due), errors: "a");
        }

        Assert.Multiple(() =>
        {
            Assert.That(kept.Acknowledged, Is.EqualTo(2), "the position passes it");
            Assert.That(waits, Is.EqualTo(new[] { 5_000, 30_000, 300_000, 900_000, 900_000 }));
        });
        var last = talk.In(new(0)).Resends[1].Due;
        Answer(talk, now: last, call: talk.Cut(last));
        Assert.That(talk.In(new(0)).Resends, Is.Empty, "taken at last");
    }

    [Test]
    public void Answered_InErrorFor75Hours_IsGivenUp()
    {
        var talk = Talk(
            stored: new EndpointProgress(5) { CalledAt = Now, Resends = Resends((3, new(Now - 75 * Hour, 300, Now))) },
            about: new() { [3] = "a" }
        );
        var gaveUp = talk.Answered(talk.Cut(Now), new(0, null, new HashSet<string> { "a" }), Now);
        Assert.That((gaveUp.Single(), talk.Resends), Is.EqualTo((3L, 0)));
    }

    [Test]
    public void Cut_LaterEventOfAMessageThatWaits_JoinsItInsteadOfOvertaking()
    {
        var talk = Talk();
        talk.Live.Add([Event(1, "a")], 1);
        Answer(talk, "a");
        talk.Live.Add([Event(2, "a")], 2);
        talk.Join();
        Assert.That(talk.NextCall(Now), Is.GreaterThan(Now), "there is nothing new to tell");
        talk.Live.Add([Event(3, "b")], 3);
        talk.Join();
        var call = talk.Cut(Now);
        Answer(talk, call: call);
        var kept = talk.In(new(0));
        var again = talk.Cut(kept.Resends[2].Due);

        Assert.Multiple(() =>
        {
            Assert.That(call.Fresh.Select(e => e.Position), Is.EqualTo(new[] { 3 }));
            Assert.That((kept.Acknowledged, kept.Resends[2]), Is.EqualTo((3L, kept.Resends[1])));
            Assert.That(again.Again, Is.EqualTo(new[] { 1, 2 }));
        });
    }

    [Test]
    public void Cut_JoinedButNotYetAcknowledgedAtACrash_IsToldOnce()
    {
        var stored = new EndpointProgress(0) { CalledAt = Now, Resends = Resends((1, new(Now, 1, Now)), (2, new(Now, 1, Now))) };
        var talk = Talk(stored: stored, about: new() { [1] = "a", [2] = "a" });
        talk.Live.Add([Event(1, "a"), Event(2, "a"), Event(3, "a")], 3); // the position was stored before them
        talk.Join();
        var call = talk.Cut(Now);
        Assert.That(call.Again, Is.EqualTo(new[] { 1, 2, 3 }));
        Assert.That(call.Fresh, Is.Empty);
    }

    [Test]
    public void Open_ResendThatIsNotInTheLog_IsForgotten()
    {
        var talk = Talk(stored: new EndpointProgress(5) { CalledAt = Now, Resends = Resends((3, new(Now, 1, Now))) });
        Assert.That(talk.Resends, Is.Zero);
    }

    [Test]
    public void NextCall_TooManyResends_TellsNothingNew()
    {
        var resends = Enumerable.Range(1, SyncConversation.MostResends).Select(i => ((long)i, new Resend(Now, 1, Now + 60_000))).ToArray();
        var talk = Talk(
            stored: new EndpointProgress(20_000) { CalledAt = Now, Resends = Resends(resends) },
            about: resends.ToDictionary(r => r.Item1, r => $"m{r.Item1}")
        );
        talk.Live.Add([Event(20_001, "new")], 20_001);
        Assert.That((talk.NextCall(Now), talk.Cut(Now).Fresh.Count), Is.EqualTo((Now + 60_000, 0)));
    }

    [Test]
    public void Cut_Replay_ComesBehindWhatIsNew()
    {
        var talk = Talk(maxBatch: 3, stored: new EndpointProgress(9, Replay: new(2, 8)) { CalledAt = Now });
        talk.Live.Add([Event(10, "x")], 10);
        talk.Replay!.Add([Event(3, "a"), Event(4, "b"), Event(5, "c")], 5);
        var call = talk.Cut(Now);
        Answer(talk, call: call);
        Assert.That(
            (call.Fresh.Count, call.Replayed.Select(e => e.Position).ToArray(), talk.Replay.Acknowledged),
            Is.EqualTo((1, new[] { 3L, 4L }, 4L))
                .Using<(int, long[], long)>((a, b) => a.Item1 == b.Item1 && a.Item2.SequenceEqual(b.Item2) && a.Item3 == b.Item3)
        );
    }

    private static SyncConversation Talk(
        int maxBatch = 100,
        long? calledAt = Now,
        EndpointProgress? stored = null,
        Dictionary<long, string>? about = null
    ) =>
        new(
            stored ?? new EndpointProgress(0) { CalledAt = calledAt },
            maxBatch,
            about ?? [],
            TimeSpan.FromHours(75),
            jitter: 0.1,
            chance: static () => 0.5
        );

    private static System.Collections.Immutable.ImmutableSortedDictionary<long, Resend> Resends(
        params (long Position, Resend Resend)[] all
    ) =>
        System.Collections.Immutable.ImmutableSortedDictionary.CreateRange(
            all.Select(one => KeyValuePair.Create(one.Position, one.Resend))
        );

    private static void Answer(
        SyncConversation talk,
        string errors = "",
        long queued = 0,
        long? after = null,
        long now = Now,
        SyncCall? call = null
    ) =>
        talk.Answered(call ?? talk.Cut(now), new(queued, after, errors.Split(',', StringSplitOptions.RemoveEmptyEntries).ToHashSet()), now);

    private static MailEvent Event(long position, string message) =>
        new(position, EventType.MessageSent, Now, "default", message, 1, MessageState.Sent, "main", 1, null, null, null, default);
}
