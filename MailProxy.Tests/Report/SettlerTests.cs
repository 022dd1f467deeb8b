using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Report;
using MailProxy.Pipeline.Storage;
using NUnit.Framework;
using static MailProxy.Tests.Report.Mails;

namespace MailProxy.Tests.Report;

public sealed class SettlerTests
{
    private readonly Settler _settler = new(new ReportOptions(), _ => null, () => 0.5);

    // verdicts, policy, round, rest, deferred, sent, failed, ambiguous before → state, step, event, may double
    // A step is "remove", "hold round/recipients", or "again delay/round/recipients".
    private static IEnumerable<TestCaseData> Table()
    {
        var (retry, hold, assume) = (AmbiguousPolicy.Retry, AmbiguousPolicy.Hold, AmbiguousPolicy.AssumeSent);
        var fresh = default(MailStanding);
        MailStanding Standing(int round = 0, int rest = 0, int deferred = 0, int sent = 0, int failed = 0, int ambiguous = 0) =>
            new(round, round, rest, deferred, sent, failed, ambiguous, false, 0);

        // One round, one slice.
        yield return Row("A", retry, fresh, MessageState.Sent, "remove", EventType.MessageSent);
        yield return Row("AAA", retry, fresh, MessageState.Sent, "remove", EventType.MessageSent);
        yield return Row("R", retry, fresh, MessageState.Failed, "remove", EventType.MessageFailed);
        yield return Row("RR", retry, fresh, MessageState.Failed, "remove", EventType.MessageFailed);
        yield return Row("AR", retry, fresh, MessageState.PartiallySent, "remove", EventType.MessagePartiallySent);
        yield return Row("D", retry, fresh, MessageState.Deferred, "again 60000/1/1", EventType.MessageDeferred);
        yield return Row("ADR", retry, fresh, MessageState.Deferred, "again 60000/1/1", EventType.MessageDeferred);
        yield return Row("DD", retry, Standing(round: 2), MessageState.Deferred, "again 900000/3/2", EventType.MessageDeferred);

        // The schedule is used up.
        yield return Row("D", retry, Standing(round: 7), MessageState.Failed, "remove", EventType.MessageFailed);
        yield return Row("AD", retry, Standing(round: 7), MessageState.PartiallySent, "remove", EventType.MessagePartiallySent);
        yield return Row("D", retry, Standing(round: 7, sent: 3), MessageState.PartiallySent, "remove", EventType.MessagePartiallySent);

        // What happened in earlier rounds counts.
        yield return Row("A", retry, Standing(round: 1, failed: 1), MessageState.PartiallySent, "remove", EventType.MessagePartiallySent);
        yield return Row("R", retry, Standing(round: 1, sent: 1), MessageState.PartiallySent, "remove", EventType.MessagePartiallySent);
        yield return Row("A", retry, Standing(round: 1, sent: 1), MessageState.Sent, "remove", EventType.MessageSent);
        yield return Row("R", retry, Standing(round: 1, failed: 1), MessageState.Failed, "remove", EventType.MessageFailed);

        // Slices: the rest of the round goes at once, without an event.
        yield return Row("AA", retry, Standing(rest: 3), MessageState.Queued, "again 0/0/3", null);
        yield return Row("DR", retry, Standing(rest: 3), MessageState.Queued, "again 0/0/3", null);
        yield return Row("AA", retry, Standing(round: 1, rest: 3), MessageState.Deferred, "again 0/1/3", null);
        yield return Row("D", retry, Standing(round: 7, rest: 2), MessageState.Deferred, "again 0/7/2", null);
        yield return Row("AA", retry, Standing(deferred: 2, sent: 5), MessageState.Deferred, "again 60000/1/2", EventType.MessageDeferred);
        yield return Row("AD", retry, Standing(deferred: 2, sent: 5), MessageState.Deferred, "again 60000/1/3", EventType.MessageDeferred);
        yield return Row("AA", retry, Standing(sent: 5), MessageState.Sent, "remove", EventType.MessageSent);

        // 452 4.5.3: those not tried go at once, unless that would be everybody, again and again.
        yield return Row("AA--", retry, fresh, MessageState.Queued, "again 0/0/2", null);
        yield return Row("R-", retry, Standing(rest: 4), MessageState.Queued, "again 0/0/5", null);
        yield return Row("D-", retry, fresh, MessageState.Queued, "again 0/0/1", null);
        yield return Row("--", retry, fresh, MessageState.Deferred, "again 60000/1/2", EventType.MessageDeferred);

        // In doubt, retry: told at once, sent again later.
        yield return Row("?", retry, fresh, MessageState.Deferred, "again 60000/1/1", EventType.MessageAmbiguous, mayDouble: true);
        yield return Row("A?", retry, fresh, MessageState.Deferred, "again 60000/1/1", EventType.MessageAmbiguous, mayDouble: true);
        yield return Row(
            "R?D",
            retry,
            Standing(round: 1),
            MessageState.Deferred,
            "again 300000/2/2",
            EventType.MessageAmbiguous,
            mayDouble: true
        );
        yield return Row("?", retry, Standing(rest: 3), MessageState.Deferred, "again 0/0/3", EventType.MessageAmbiguous, mayDouble: true);
        yield return Row("?", retry, Standing(round: 7), MessageState.Ambiguous, "remove", EventType.MessageAmbiguous);
        yield return Row("?D", retry, Standing(round: 7), MessageState.Ambiguous, "remove", EventType.MessageAmbiguous);

        // In doubt, hold: a person decides, about all that is not final.
        yield return Row("?", hold, fresh, MessageState.Held, "hold 1/1", EventType.MessageAmbiguous, mayDouble: true);
        yield return Row("A?", hold, fresh, MessageState.Held, "hold 1/1", EventType.MessageAmbiguous, mayDouble: true);
        yield return Row(
            "?D",
            hold,
            Standing(round: 1, rest: 2, deferred: 1),
            MessageState.Held,
            "hold 2/5",
            EventType.MessageAmbiguous,
            mayDouble: true
        );
        yield return Row("?", hold, Standing(round: 7), MessageState.Held, "hold 8/1", EventType.MessageAmbiguous, mayDouble: true);
        yield return Row("A", hold, fresh, MessageState.Sent, "remove", EventType.MessageSent);

        // In doubt, assume sent: closed, never sent again.
        yield return Row("?", assume, fresh, MessageState.Ambiguous, "remove", EventType.MessageAmbiguous);
        yield return Row("A?", assume, fresh, MessageState.Ambiguous, "remove", EventType.MessageAmbiguous);
        yield return Row("R?", assume, fresh, MessageState.Ambiguous, "remove", EventType.MessageAmbiguous);
        yield return Row("AR?", assume, fresh, MessageState.PartiallySent, "remove", EventType.MessagePartiallySent);
        yield return Row("D?", assume, fresh, MessageState.Deferred, "again 60000/1/1", EventType.MessageDeferred);
        yield return Row("?", assume, Standing(rest: 1), MessageState.Queued, "again 0/0/1", null);
        yield return Row("A", assume, Standing(round: 1, ambiguous: 1), MessageState.Ambiguous, "remove", EventType.MessageAmbiguous);

        static TestCaseData Row(
            string verdicts,
            AmbiguousPolicy policy,
            MailStanding standing,
            MessageState state,
            string step,
            EventType? told,
            bool mayDouble = false
        ) =>
            new TestCaseData(verdicts, policy, standing, state, step, told, mayDouble).SetArgDisplayNames(
                verdicts,
                policy.ToString(),
                standing.ToString().Replace("MailStanding ", ""),
                state.ToString(),
                step
            );
    }

    [TestCaseSource(nameof(Table))]
    public void Attempted_Verdicts_SettleAsTheTableSays(
        string verdicts,
        AmbiguousPolicy policy,
        MailStanding standing,
        MessageState state,
        string step,
        EventType? told,
        bool mayDouble
    )
    {
        var settlement = _settler.Attempted(Ticket(), Content(verdicts.Length, standing, policy), Verdicts(verdicts), Now);

        Assert.Multiple(() =>
        {
            Assert.That(settlement.State, Is.EqualTo(state));
            Assert.That(Describe(settlement.Step), Is.EqualTo(step));
            Assert.That(settlement.Events.Select(e => (EventType?)e.Type), Is.EqualTo(told is null ? Array.Empty<EventType?>() : [told]));
            Assert.That(settlement.Events.Select(e => e.Status), Is.All.EqualTo(state));
            Assert.That(settlement.Events.Select(e => e.Attempt), Is.All.EqualTo(standing.Attempts + 1));
            Assert.That(settlement.PossibleDuplicate, Is.EqualTo(mayDouble));
            Assert.That(settlement.Attempts, Is.EqualTo(standing.Attempts + 1));
            Assert.That(settlement.Recipients.Select(r => r.Tried), Is.All.True);
        });
    }

    [TestCase('A', AmbiguousPolicy.Retry, 0, RecipientState.Sent)]
    [TestCase('R', AmbiguousPolicy.Retry, 0, RecipientState.Failed)]
    [TestCase('D', AmbiguousPolicy.Retry, 0, RecipientState.Deferred)]
    [TestCase('D', AmbiguousPolicy.Retry, 6, RecipientState.Deferred)]
    [TestCase('D', AmbiguousPolicy.Retry, 7, RecipientState.Failed)]
    [TestCase('?', AmbiguousPolicy.Retry, 0, RecipientState.InDoubt)]
    [TestCase('?', AmbiguousPolicy.Retry, 7, RecipientState.Ambiguous)]
    [TestCase('?', AmbiguousPolicy.Hold, 0, RecipientState.InDoubt)]
    [TestCase('?', AmbiguousPolicy.Hold, 7, RecipientState.InDoubt)]
    [TestCase('?', AmbiguousPolicy.AssumeSent, 0, RecipientState.Ambiguous)]
    public void Attempted_OneVerdict_MovesItsRecipient(char verdict, AmbiguousPolicy policy, int round, RecipientState state)
    {
        var verdicts = Verdicts(verdict.ToString());

        var settlement = _settler.Attempted(Ticket(), Content(1, new() { Round = round }, policy), verdicts, Now);

        Assert.That(
            settlement.Recipients,
            Is.EqualTo(new[] { new RecipientUpdate(0, state, true, verdicts[0].SmtpCode, verdicts[0].EnhancedCode, verdicts[0].Reply) })
        );
    }

    [Test]
    public void Attempted_NotTried_LeavesTheRecipientAsItWas()
    {
        var settlement = _settler.Attempted(Ticket(), Content(3), Verdicts("A--"), Now);

        Assert.That(settlement.Recipients.Select(r => r.Ordinal), Is.EqualTo(new[] { 0 }));
    }

    [Test]
    public void Attempted_VerdictMissing_CountsAsNotTried()
    {
        var settlement = _settler.Attempted(Ticket(), Content(3), Verdicts("AA"), Now);

        Assert.That(Describe(settlement.Step), Is.EqualTo("again 0/0/1"));
    }

    [Test]
    public void Attempted_LastSlice_ListsTheEarlierOnesToo()
    {
        var content = Content(1, new() { Sent = 1 }) with { Earlier = [new("first@x", RecipientState.Sent, 250, null, "ok")] };

        var told = _settler.Attempted(Ticket(), content, Verdicts("A"), Now).Events.Single();

        Assert.That(Listed(told), Is.EqualTo(new[] { "first@x=sent", "r0@x=sent" }));
    }

    [Test]
    public void Attempted_EndlessReply_IsCut()
    {
        var verdict = Verdicts("R")[0] with { Reply = new('x', 100_000) };

        var settlement = _settler.Attempted(Ticket(), Content(), [verdict], Now);

        Assert.Multiple(() =>
        {
            Assert.That(settlement.Recipients[0].Reply, Has.Length.EqualTo(1000));
            Assert.That(settlement.Events[0].Detail, Has.Length.LessThan(2000));
        });
    }

    [Test]
    public void Unsendable_FailsWithOurCodeAndLosesNoAttempt()
    {
        var settlement = _settler.Unsendable(Ticket(), Content(), "5.6.3", "8-bit content", Now);

        Assert.Multiple(() =>
        {
            Assert.That(settlement.Mark, Is.Null);
            Assert.That(settlement.State, Is.EqualTo(MessageState.Failed));
            Assert.That(settlement.Attempts, Is.Zero);
            Assert.That(
                settlement.Recipients,
                Is.EqualTo(new[] { new RecipientUpdate(0, RecipientState.Failed, true, null, "5.6.3", "8-bit content") })
            );
            Assert.That(settlement.Events.Single().Type, Is.EqualTo(EventType.MessageFailed));
        });
    }

    [Test]
    public void Unsendable_OfALongMessage_LeavesTheNextSliceToItsTurn() =>
        Assert.That(
            Describe(_settler.Unsendable(Ticket(), Content(2, new() { Rest = 3 }), "5.6.0", "x", Now).Step),
            Is.EqualTo("again 0/0/3")
        );

    private static string Describe(QueueStep step) =>
        step switch
        {
            QueueStep.Remove => "remove",
            QueueStep.Hold hold => $"hold {hold.Round}/{hold.Recipients}",
            QueueStep.Again again => $"again {(again.Due == 0 ? 0 : again.Due - Now)}/{again.Round}/{again.Recipients}",
            _ => throw new ArgumentOutOfRangeException(nameof(step)),
        };
}
