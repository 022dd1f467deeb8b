using MailProxy.Pipeline.Mail;
using NUnit.Framework;

namespace MailProxy.Tests.Mail;

internal sealed class TransitionsTests
{
    private const long Now = 1000,
        Expiry = 9000;

    private static readonly MessageChange[] Changes =
    [
        new MessageChange.Cancel(),
        new MessageChange.Hold(),
        new MessageChange.Release(),
        new MessageChange.Retry(Expiry),
        new MessageChange.Reschedule(2000),
    ];

    [TestCaseSource(nameof(Changes))]
    public void Decide_Sending_RefusesEverything(MessageChange change) =>
        Assert.That(Decide(At(MessageState.Sending), change), Is.EqualTo(new Transition.Refused("sending")));

    [Test]
    public void Decide_Final_RefusesAllButRetry(
        [Values(
            MessageState.Sent,
            MessageState.PartiallySent,
            MessageState.Failed,
            MessageState.Ambiguous,
            MessageState.Cancelled,
            MessageState.Expired,
            MessageState.Suppressed
        )]
            MessageState state
    )
    {
        foreach (var change in Changes.Where(c => c is not MessageChange.Retry))
        {
            Assert.That(Decide(At(state), change), Is.EqualTo(new Transition.Refused("already_final")), change.ToString());
        }
    }

    [TestCase(MessageState.Sent)]
    [TestCase(MessageState.PartiallySent)]
    [TestCase(MessageState.Ambiguous)]
    [TestCase(MessageState.Cancelled)]
    [TestCase(MessageState.Suppressed)]
    public void Retry_FinalThatIsNotFailedOrExpired_IsRefused(MessageState state) =>
        Assert.That(Decide(At(state), new MessageChange.Retry(Expiry)), Is.EqualTo(new Transition.Refused("already_final")));

    [TestCase(MessageState.Failed)]
    [TestCase(MessageState.Expired)]
    public void Retry_FailedOrExpired_StartsAnewOrIsPurged(MessageState state)
    {
        Assert.That(
            Decide(At(state), new MessageChange.Retry(99)),
            Is.EqualTo(new Transition.Wait(MessageState.Queued, 0, EventType.MessageQueued, null, Expiry, Anew: true))
        );
        Assert.That(Decide(At(state) with { BodyKept = false }, new MessageChange.Retry(99)), Is.EqualTo(new Transition.Purged()));
    }

    [Test]
    public void Retry_PastItsExpiry_TakesTheNewOne() =>
        Assert.That(
            ((Transition.Wait)Decide(At(MessageState.Expired) with { ExpiresAt = Now }, new MessageChange.Retry(5000))).ExpiresAt,
            Is.EqualTo(5000)
        );

    [TestCase(MessageState.Deferred)]
    [TestCase(MessageState.Scheduled)]
    public void Retry_Waiting_GoesNow(MessageState state) =>
        Assert.That(
            Decide(At(state) with { SendAt = 5000 }, new MessageChange.Retry(Expiry)),
            Is.EqualTo(new Transition.Wait(MessageState.Queued, 0, EventType.MessageQueued, null, Expiry))
        );

    [Test]
    public void Retry_Held_IsRefused() =>
        Assert.That(Decide(At(MessageState.Held), new MessageChange.Retry(Expiry)), Is.EqualTo(new Transition.Refused("held")));

    [Test]
    public void Hold_Held_IsRefused() =>
        Assert.That(Decide(At(MessageState.Held), new MessageChange.Hold()), Is.EqualTo(new Transition.Refused("already_held")));

    [TestCase(MessageState.Queued)]
    [TestCase(MessageState.Scheduled)]
    [TestCase(MessageState.Deferred)]
    public void Hold_Waiting_HoldsByPerson(MessageState state) =>
        Assert.That(Decide(At(state), new MessageChange.Hold()), Is.EqualTo(new Transition.Hold("manual")));

    [TestCase(MessageState.Queued)]
    [TestCase(MessageState.Scheduled)]
    [TestCase(MessageState.Deferred)]
    public void Release_NotHeld_IsRefused(MessageState state) =>
        Assert.That(Decide(At(state), new MessageChange.Release()), Is.EqualTo(new Transition.Refused("not_held")));

    // accepted, ambiguous, in doubt, state: what a cancelled message ends as
    [TestCase(false, false, false, MessageState.Queued, MessageState.Cancelled)]
    [TestCase(true, false, false, MessageState.Deferred, MessageState.PartiallySent)]
    [TestCase(true, false, true, MessageState.Deferred, MessageState.PartiallySent)]
    [TestCase(false, false, true, MessageState.Deferred, MessageState.Ambiguous)]
    [TestCase(false, true, false, MessageState.Deferred, MessageState.Ambiguous)]
    [TestCase(true, false, true, MessageState.Held, MessageState.Ambiguous)]
    [TestCase(true, false, false, MessageState.Held, MessageState.PartiallySent)]
    public void Cancel_NotFinal_EndsAsWhatItsRecipientsKnow(
        bool accepted,
        bool ambiguous,
        bool doubt,
        MessageState state,
        MessageState expected
    )
    {
        var close = (Transition.Close)Decide(
            At(state) with
            {
                Accepted = accepted,
                Ambiguous = ambiguous,
                InDoubt = doubt,
            },
            new MessageChange.Cancel()
        );

        Assert.That((close.State, close.Rest, close.Doubt), Is.EqualTo((expected, RecipientState.Cancelled, RecipientState.Ambiguous)));
        Assert.That(close.Event.Name(), Is.EqualTo("message." + expected.Name()));
    }

    [TestCase(false, false, MessageState.Expired)]
    [TestCase(true, false, MessageState.PartiallySent)]
    [TestCase(false, true, MessageState.Ambiguous)]
    public void Expire_Waiting_EndsAsWhatItsRecipientsKnow(bool accepted, bool ambiguous, MessageState expected) =>
        Assert.That(
            Transitions.Expire(At(MessageState.Deferred) with { Accepted = accepted, Ambiguous = ambiguous }).State,
            Is.EqualTo(expected)
        );

    [TestCase(MessageState.Queued)]
    [TestCase(MessageState.Scheduled)]
    [TestCase(MessageState.Deferred)]
    public void Reschedule_Ahead_Schedules(MessageState state) =>
        Assert.That(
            Decide(At(state), new MessageChange.Reschedule(2000)),
            Is.EqualTo(new Transition.Wait(MessageState.Scheduled, 2000, EventType.MessageScheduled, 2000, Expiry))
        );

    [Test]
    public void Reschedule_IntoThePast_GoesNow()
    {
        Assert.That(
            Decide(At(MessageState.Scheduled), new MessageChange.Reschedule(Now)),
            Is.EqualTo(new Transition.Wait(MessageState.Queued, 0, EventType.MessageQueued, null, Expiry))
        );
        Assert.That(Decide(At(MessageState.Queued), new MessageChange.Reschedule(Now)), Is.EqualTo(new Transition.Unchanged()));
    }

    [TestCase(Expiry - 1, true)]
    [TestCase(Expiry, false)]
    public void Reschedule_AroundTheExpiry_IsAllowedOnlyBeforeIt(long sendAt, bool allowed) =>
        Assert.That(Decide(At(MessageState.Queued), new MessageChange.Reschedule(sendAt)) is Transition.Wait, Is.EqualTo(allowed));

    [Test]
    public void Reschedule_WithAnExpiry_MovesIt()
    {
        var change = new MessageChange.Reschedule(Expiry + 1000, Expiry + 2000);
        Assert.That(
            Decide(At(MessageState.Queued), change),
            Is.EqualTo(new Transition.Wait(MessageState.Scheduled, Expiry + 1000, EventType.MessageScheduled, Expiry + 1000, Expiry + 2000))
        );
        Assert.That(Decide(At(MessageState.Held), change), Is.EqualTo(new Transition.HoldUntil(Expiry + 1000, Expiry + 2000)));
        Assert.That(
            Decide(At(MessageState.Queued), new MessageChange.Reschedule(Now, Expiry + 2000)),
            Is.EqualTo(new Transition.Wait(MessageState.Queued, 0, EventType.MessageQueued, null, Expiry + 2000))
        );
    }

    private static Transition Decide(MessageFacts at, MessageChange change) => Transitions.Decide(at, change, Now);

    private static MessageFacts At(MessageState state) => new(state, false, false, false, true, null, Expiry);
}
