using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Report;
using MailProxy.Pipeline.Storage;
using NUnit.Framework;
using static MailProxy.Tests.Report.Mails;

namespace MailProxy.Tests.Report;

/// <summary>What is settled when nobody knows whether the server has the message.</summary>
public sealed class SettlerDoubtTests
{
    private readonly Settler _settler = new(new ReportOptions(), _ => null, () => 0.5);

    [Test]
    public void Attempted_InDoubtWithRetry_TellsThePolicy()
    {
        var told = _settler.Attempted(Ticket(), Content(2), Verdicts("A?"), Now).Events.Single();

        Assert.Multiple(() =>
        {
            Assert.That(Detail(told).GetProperty("policy").GetString(), Is.EqualTo("retry"));
            Assert.That(told.Status.IsFinal(), Is.False);
            Assert.That(Listed(told), Is.EqualTo(new[] { "r0@x=sent", "r1@x=in_doubt" }));
        });
    }

    [Test]
    public void Attempted_InDoubtWithHold_NamesTheReason()
    {
        var settlement = _settler.Attempted(Ticket(), Content(policy: AmbiguousPolicy.Hold), Verdicts("?"), Now);

        Assert.Multiple(() =>
        {
            Assert.That(((QueueStep.Hold)settlement.Step).Reason, Is.EqualTo("ambiguous"));
            Assert.That(Detail(settlement.Events.Single()).GetProperty("hold_reason").GetString(), Is.EqualTo("ambiguous"));
        });
    }

    [Test]
    public void Attempted_AfterDoubt_EveryEventSaysSo()
    {
        var settlement = _settler.Attempted(Ticket(), Content(1, new() { Round = 1, PossibleDuplicate = true }), Verdicts("A"), Now);

        Assert.Multiple(() =>
        {
            Assert.That(Detail(settlement.Events.Single()).GetProperty("possible_duplicate").GetBoolean(), Is.True);
            Assert.That(settlement.PossibleDuplicate, Is.True);
        });
    }

    [Test]
    public void Suppressed_OfAPoolsMailThatStaysWithItsAccount_DoesNotMove()
    {
        var content = Content(2, new() { Round = 1, PossibleDuplicate = true }) with
        {
            Pool = new PoolKey(7),
            Suppressed = [new(0, "r0@x", "asked")],
        };

        var step = (QueueStep.Again)_settler.Suppressed(Ticket(), content, Now).Step;

        Assert.That((step.Recipients, step.Lane), Is.EqualTo((1, (LaneKey?)null)));
    }

    [TestCase(MessageState.Queued, 3, MessageState.Queued)]
    [TestCase(MessageState.Deferred, 0, MessageState.Deferred)]
    [TestCase(MessageState.Scheduled, 0, MessageState.Queued)]
    [TestCase(null, 0, MessageState.Queued)]
    [TestCase(null, 1, MessageState.Deferred)]
    public void Untried_AfterTrouble_LeavesEverythingAsItWas(MessageState? before, int round, MessageState state)
    {
        var content = Content(
            2,
            new()
            {
                Round = round,
                Attempts = 4,
                Rest = 3,
                PossibleDuplicate = false,
            }
        ) with
        {
            State = before,
        };

        var settlement = Settler.Untried(Ticket(), content, Now);

        Assert.Multiple(() =>
        {
            Assert.That(settlement.State, Is.EqualTo(state));
            Assert.That(Describe(settlement.Step), Is.EqualTo($"again 0/{round}/5"));
            Assert.That(settlement.Attempts, Is.EqualTo(4));
            Assert.That(settlement.Recipients, Is.Empty);
            Assert.That(settlement.Events, Is.Empty);
        });
    }

    [Test]
    public void InDoubt_AfterACrash_PutsTheWholeSliceInDoubt()
    {
        var settlement = _settler.InDoubt(Ticket(), Content(2), Now);

        Assert.Multiple(() =>
        {
            Assert.That(settlement.Recipients.Select(r => r.State), Is.EqualTo(new[] { RecipientState.InDoubt, RecipientState.InDoubt }));
            Assert.That(settlement.Events.Single().Type, Is.EqualTo(EventType.MessageAmbiguous));
            Assert.That(settlement.Attempts, Is.EqualTo(1));
        });
    }

    private static string Describe(QueueStep step) =>
        step switch
        {
            QueueStep.Remove => "remove",
            QueueStep.Hold hold => $"hold {hold.Round}/{hold.Recipients}",
            QueueStep.Again again => $"again {(again.Due == 0 ? 0 : again.Due - Now)}/{again.Round}/{again.Recipients}",
            _ => throw new ArgumentOutOfRangeException(nameof(step)),
        };
}
