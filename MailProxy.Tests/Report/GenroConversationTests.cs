using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Report;
using NUnit.Framework;

namespace MailProxy.Tests.Report;

/// <summary>What a call of style genro tells and when the next one is; without clock and network.</summary>
public sealed class GenroConversationTests
{
    private const long Now = 1_700_000_000_000,
        FiveMinutes = 300_000;

    [Test]
    public void NextCall_NeverCalled_IsNow() => Assert.That(Talk(new(0)).NextCall(Now), Is.EqualTo(Now));

    [Test]
    public void NextCall_NothingToTell_IsEach300Seconds()
    {
        var talk = Talk(new(0));
        Answer(talk);
        Assert.That(talk.NextCall(Now + 1_000), Is.EqualTo(Now + FiveMinutes));
        Assert.That(Talk(talk.In(new(0))).NextCall(Now + 1_000), Is.EqualTo(Now + FiveMinutes), "after a restart too");
    }

    [Test]
    public void NextCall_WithoutEmptyReports_IsForNewsAndRunNowOnly()
    {
        var talk = new GenroConversation(new(0), 100, emptyReports: false);
        Assert.That(talk.NextCall(Now), Is.EqualTo(long.MaxValue));
        talk.Hurry();
        Assert.That(talk.NextCall(Now), Is.EqualTo(Now));
        Answer(talk, queued: 5);
        Assert.That(talk.NextCall(Now), Is.EqualTo(long.MaxValue));
        talk.Live.Add([Event(1, "a")], 1);
        Assert.That(talk.NextCall(Now), Is.EqualTo(Now));
    }

    [Test]
    public void NextCall_Queued_IsAtOnceAHundredTimesThenEverySecond()
    {
        var talk = Talk(new(0));
        for (var call = 0; call < 100; call++)
        {
            Answer(talk, queued: 1);
            Assert.That(talk.NextCall(Now), Is.EqualTo(Now), $"call {call}");
        }

        Answer(talk, queued: 1);
        Assert.That(talk.NextCall(Now), Is.EqualTo(Now + 1_000));
        Answer(talk);
        Assert.That(talk.NextCall(Now), Is.EqualTo(Now + FiveMinutes));
    }

    [Test]
    public void NextCall_QueuedAndQuiet_IsWhenTheQuietEnds()
    {
        var talk = Talk(new(0));
        Answer(talk, queued: 9, after: (Now / 1000) + 40);
        Assert.That(talk.NextCall(Now), Is.EqualTo(Now + 40_000));
        Assert.That(talk.NextCall(Now + 40_000), Is.LessThanOrEqualTo(Now + 40_000));
        talk.Live.Add([Event(1, "a")], 1);
        Assert.That(talk.NextCall(Now), Is.EqualTo(Now), "an event breaks it");
    }

    [Test]
    public void NextCall_ShortQuiet_MakesNoCallEarlier()
    {
        var talk = Talk(new(0));
        Answer(talk, after: (Now / 1000) + 40);
        Assert.That(talk.NextCall(Now), Is.EqualTo(Now + FiveMinutes));
        Answer(talk, after: (Now / 1000) + 900);
        Assert.That(talk.NextCall(Now), Is.EqualTo(Now + 900_000));
        talk.Hurry();
        Assert.That(talk.NextCall(Now), Is.EqualTo(Now), "the tenant's run-now breaks it");
    }

    [Test]
    public void NextCall_QueuedBeforeARestart_IsAtOnce()
    {
        var talk = Talk(new(0));
        Answer(talk, queued: 3);
        var stored = talk.In(new(0));
        Assert.That(stored.CalledAt, Is.EqualTo(Now), "when it was called stays known");
        Assert.That(Talk(stored).NextCall(Now), Is.EqualTo(Now));
    }

    [Test]
    public void Cut_SeveralEventsOfAMessage_TellsEachInACallOfItsOwn()
    {
        var talk = Talk(new(0));
        talk.Live.Add([Event(1, "a"), Event(2, "b"), Event(3, "a"), Event(4, "c"), Event(5, "a")], 5);
        Assert.That(Positions(talk.Cut()), Is.EqualTo(new long[] { 1, 2, 4 }));
        Answer(talk);
        Assert.That(talk.In(new(0)).Acknowledged, Is.EqualTo(2), "what waits is not acknowledged");
        Assert.That(Positions(talk.Cut()), Is.EqualTo(new long[] { 3 }));
        Answer(talk);
        Assert.That(Positions(talk.Cut()), Is.EqualTo(new long[] { 5 }));
        Answer(talk);
        Assert.That((talk.In(new(0)).Acknowledged, talk.Live.IsEmpty), Is.EqualTo((5, true)));
    }

    [Test]
    public void Answered_WithErrors_AcknowledgesAll()
    {
        var talk = Talk(new(0));
        talk.Live.Add([Event(1, "a"), Event(2, "b")], 2);
        talk.Answered(talk.Cut(), new(0, null, new HashSet<string> { "a", "b" }), Now);
        Assert.That(talk.Live.IsEmpty);
    }

    [Test]
    public void Failed_Call_KeepsEverything()
    {
        var talk = Talk(new(0));
        talk.Live.Add([Event(1, "a")], 1);
        _ = talk.Cut();
        talk.Failed(Now);
        Assert.That(Positions(talk.Cut()), Is.EqualTo(new long[] { 1 }));
    }

    [Test]
    public void Cut_MoreThanABatch_IsABatch()
    {
        var talk = new GenroConversation(new(0), 2, emptyReports: true);
        talk.Live.Add([Event(1, "a"), Event(2, "b"), Event(3, "c")], 3);
        Assert.That(Positions(talk.Cut()), Is.EqualTo(new long[] { 1, 2 }));
    }

    private static GenroConversation Talk(EndpointProgress stored) => new(stored, 100, emptyReports: true);

    private static void Answer(GenroConversation talk, long queued = 0, long? after = null) =>
        talk.Answered(talk.Cut(), new(queued, after, new HashSet<string>()), Now);

    private static IEnumerable<long> Positions(GenroCall call) => call.Fresh.Select(static one => one.Position);

    private static MailEvent Event(long position, string message) =>
        new(position, EventType.MessageSent, Now, "acme", message, 1, MessageState.Sent, "main", 1, null, null, null, default);
}
