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
    public async Task Attempted_OfAPoolInItsAccountsLane_WakesBothSinceThePoolMayBeGone()
    {
        var pool = new PoolKey(7);
        await RunAsync(new Outcome.Attempted(Ticket(), Content() with { Pool = pool }, Verdicts("D")));

        var due = _wake.Drain().DueByLane;
        Assert.That((due[Lanes.Of(pool)], due[Lanes.Of(Account)]), Is.EqualTo((Now + 60_000, Now + 60_000)));
    }

    [Test]
    public async Task Attempted_Sent_CountsAndMeasuresButWakesNoLane()
    {
        await RunAsync(Sent(1) with { Mark = new(Ticket(1), 1, PermitCounts.None, Now) });

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
    public async Task SettleOpen_InDoubtAfterACrash_SettlesEachByItsPolicy()
    {
        Mark[] marks = [new(Ticket(1), 1, CountingPermit.Held, Now - 9), new(Ticket(2), 1, PermitCounts.None, Now - 8)];
        var recovery = new Recovery(
            [
                (Ticket(1), Content(), marks[0]),
                (Ticket(2), Content(policy: AmbiguousPolicy.Hold), marks[1]),
                (Ticket(3), Content(policy: AmbiguousPolicy.AssumeSent), null),
            ],
            [],
            [],
            long.MaxValue
        );

        await _stage.SettleOpenAsync(recovery);

        Assert.Multiple(() =>
        {
            Assert.That(
                _store.Commits.Single().Select(settlement => settlement.State),
                Is.EqualTo(new[] { MessageState.Deferred, MessageState.Held, MessageState.Ambiguous })
            );
            Assert.That(_store.Commits.Single().Select(settlement => settlement.Mark), Is.EqualTo(new[] { marks[0], marks[1], null }));
            var woken = _wake.Drain();
            Assert.That(woken.Done.Select(ticket => ticket.Id), Is.EqualTo(new[] { 1, 2, 3 }));
            Assert.That(woken.DueByLane[Lanes.Of(Account)], Is.EqualTo(Now + 60_000));
        });
    }

    [Test]
    public async Task SettleOpen_AnsweredBeforeTheCrash_SettlesAsTheServerSaid()
    {
        var mark = new Mark(Ticket(1), 2, CountingPermit.Held, Now - 9);
        var recovery = new Recovery([(Ticket(2), Content(), null)], [], [], long.MaxValue)
        {
            Answered = [new(Ticket(1), Content(2), Verdicts("AR")) { Mark = mark }],
        };

        await _stage.SettleOpenAsync(recovery);

        var settlements = _store.Commits.Single();
        Assert.Multiple(() =>
        {
            Assert.That(
                settlements.Select(settlement => (settlement.Ticket.Id, settlement.State)),
                Is.EqualTo(new[] { (1L, MessageState.PartiallySent), (2L, MessageState.Deferred) })
            );
            Assert.That(settlements[0].Mark, Is.SameAs(mark));
            Assert.That(settlements[0].PossibleDuplicate, Is.False);
            Assert.That(_wake.Drain().Done.Select(ticket => ticket.Id), Is.EqualTo(new[] { 1, 2 }));
        });
    }
}
