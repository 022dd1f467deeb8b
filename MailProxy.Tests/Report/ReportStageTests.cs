using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using NUnit.Framework;
using static MailProxy.Tests.Report.Mails;

namespace MailProxy.Tests.Report;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class ReportStageTests : ReportStageFixture
{
    [Test]
    public async Task Attempted_Deferred_WakesTheLaneAtItsTime()
    {
        await RunAsync(new Outcome.Attempted(Ticket(), Content(), Verdicts("D")));

        var woken = _wake.Drain();
        Assert.Multiple(() =>
        {
            Assert.That(woken.Done, Has.Count.EqualTo(1));
            Assert.That(woken.DueByLane[Lanes.Of(Account)], Is.EqualTo(Now + 60_000));
            Assert.That(_metrics.Deferred.WithLabels("default", "main").Value, Is.EqualTo(1));
        });
    }

    [Test]
    public async Task Attempted_Sent_CountsAndMeasuresButWakesNoLane()
    {
        await RunAsync(new Begun(Ticket(), 1, new CountingPermit()), Sent(1));

        Assert.Multiple(() =>
        {
            Assert.That(_wake.Drain().DueByLane, Is.Empty);
            Assert.That(_metrics.Sent.WithLabels("default", "main").Value, Is.EqualTo(1));
            Assert.That(_metrics.TimeToSent.Sum, Is.EqualTo(5));
            Assert.That(_metrics.TimeToFirstAttempt.Sum, Is.EqualTo(5));
        });
    }

    [Test]
    public async Task Attempted_StaleTicket_EndsTheClaimAndCountsNothing()
    {
        _store.Commit = writes => Task.FromResult<IReadOnlyList<bool>>([.. writes.Select(_ => false)]);

        await RunAsync(Sent(1));

        Assert.Multiple(() =>
        {
            Assert.That(_wake.Drain().Done, Has.Count.EqualTo(1));
            Assert.That(_metrics.TimeToSent.Count, Is.Zero);
        });
    }

    [Test]
    public async Task Dropped_WritesNothingAndEndsTheClaim()
    {
        await RunAsync(new Outcome.Dropped(Ticket()));

        Assert.Multiple(() =>
        {
            Assert.That(_store.Commits, Is.Empty);
            Assert.That(_wake.Drain().Done, Has.Count.EqualTo(1));
        });
    }

    [Test]
    public async Task NotYet_LeavesTheClaim()
    {
        await RunAsync(new Outcome.NotYet(Ticket()));

        Assert.That(_wake.Drain().Done, Is.Empty);
    }

    [Test]
    public async Task PostponedWithoutContent_WritesNothingAndTheLaneWaits()
    {
        await RunAsync(new Outcome.Postponed(Ticket(), null, "disk"));

        Assert.Multiple(() =>
        {
            Assert.That(_store.Commits, Is.Empty);
            Assert.That(_wake.Drain().DueByLane[Lanes.Of(Account)], Is.EqualTo(Now + 30_000));
        });
    }

    [Test]
    public async Task SettleInDoubt_AfterACrash_SettlesEachByItsPolicy()
    {
        var recovery = new Recovery(
            [
                (Ticket(1), Content()),
                (Ticket(2), Content(policy: AmbiguousPolicy.Hold)),
                (Ticket(3), Content(policy: AmbiguousPolicy.AssumeSent)),
            ],
            [],
            [],
            long.MaxValue
        );

        await _stage.SettleInDoubtAsync(recovery);

        Assert.Multiple(() =>
        {
            Assert.That(
                _store.Commits.Single().Cast<Settlement>().Select(settlement => settlement.State),
                Is.EqualTo(new[] { MessageState.Deferred, MessageState.Held, MessageState.Ambiguous })
            );
            Assert.That(_wake.Drain().DueByLane[Lanes.Of(Account)], Is.EqualTo(Now + 60_000));
        });
    }
}
