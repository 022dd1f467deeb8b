using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using NUnit.Framework;
using static MailProxy.Tests.Report.Mails;

namespace MailProxy.Tests.Report;

/// <summary>An outcome for which the account is to blame: the account waits, the message loses nothing.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class ReportAccountTests : ReportStageFixture
{
    [Test]
    public async Task AccountToBlame_BeforeTheMark_ParksAndWritesNothing()
    {
        await RunAsync(new Outcome.AccountToBlame(Ticket(), Trouble(), null));

        var woken = _wake.Drain();
        Assert.Multiple(() =>
        {
            Assert.That(_store.Commits, Is.Empty);
            Assert.That(woken.Parked[Account].Until, Is.EqualTo(Now + 5000));
            Assert.That(woken.DueByLane[Lanes.Of(Account)], Is.Zero);
            Assert.That(woken.Done, Has.Count.EqualTo(1));
            Assert.That(_log.Events.Single().Type, Is.EqualTo(EventType.AccountCircuitOpened));
        });
    }

    [Test]
    public async Task AccountToBlame_AfterTheMark_TakesTheMarkBack()
    {
        var mark = new Mark(Ticket(), 1, CountingPermit.Held, Now);
        await RunAsync(new Outcome.AccountToBlame(Ticket(), Trouble(), Content()) { Mark = mark });

        var settlement = _store.Commits.Single().Single();
        Assert.Multiple(() =>
        {
            Assert.That(settlement.Mark, Is.SameAs(mark));
            Assert.That(settlement.Attempts, Is.Zero);
            Assert.That(settlement.Events, Is.Empty);
            Assert.That(_wake.Drain().Parked, Contains.Key(Account));
        });
    }

    [Test]
    public async Task Released_TakesTheMarkBackAndBlamesNobody()
    {
        var mark = new Mark(Ticket(), 1, CountingPermit.Held, Now);
        await RunAsync(new Outcome.Released(Ticket(), Content()) { Mark = mark });

        var settlement = _store.Commits.Single().Single();
        Assert.Multiple(() =>
        {
            Assert.That((settlement.Mark, settlement.Events.Count), Is.EqualTo((mark, 0)));
            Assert.That(_wake.Drain().Parked, Is.Empty);
            Assert.That(_log.Events, Is.Empty);
        });
    }

    [Test]
    public async Task Attempted_WithTroubleOfTheAccount_KeepsTheVerdictsAndParks()
    {
        var content = Content();
        var verdicts = content
            .Slice.Select(to => new RecipientVerdict(to.Ordinal, to.Address, Verdict.Refused, 550, "5.1.1", "who"))
            .ToArray();

        await RunAsync(new Outcome.Attempted(Ticket(), content, verdicts) { Trouble = Trouble() });

        var settlement = _store.Commits.Single().Single();
        Assert.Multiple(() =>
        {
            Assert.That(settlement.State, Is.EqualTo(MessageState.Failed));
            Assert.That(_wake.Drain().Parked, Contains.Key(Account));
            Assert.That(_log.Events.Single().Type, Is.EqualTo(EventType.AccountCircuitOpened));
        });
    }

    [Test]
    public async Task AccountToBlame_ThenTheProbe_ClosesTheCircuit()
    {
        var running = _stage.RunAsync();
        await _input.Writer.WriteAsync(new Outcome.AccountToBlame(Ticket(), Trouble(), null));
        await _log.UntilAsync(log => log.Last == 1);
        _clock.Advance(TimeSpan.FromSeconds(5));
        await _input.Writer.WriteAsync(Sent(2) with { IsProbe = true });
        _input.Writer.Complete();

        await running.WaitAsync(Deadline);

        Assert.Multiple(() =>
        {
            Assert.That(
                _log.Events.Select(e => e.Type),
                Is.EqualTo(new[] { EventType.AccountCircuitOpened, EventType.AccountCircuitClosed })
            );
            Assert.That(_wake.Drain().Unparked, Contains.Item(Account));
        });
    }

    [Test]
    public async Task AccountToBlame_ThenThePersonChangesIt_IsUsedAgainAtOnce()
    {
        var running = _stage.RunAsync();
        await _input.Writer.WriteAsync(new Outcome.AccountToBlame(Ticket(), Trouble(), null));
        await _log.UntilAsync(log => log.Last == 1);

        Swap(version: 2);

        Assert.That(_wake.Drain().Unparked, Contains.Item(Account));
        _input.Writer.Complete();
        await running.WaitAsync(Deadline);
        Assert.That(_log.Events[^1].Type, Is.EqualTo(EventType.AccountCircuitClosed));
    }

    [Test]
    public async Task AccountToBlame_EventRefused_OutcomesGoOn()
    {
        _log.AppendFault = new StoreUnavailableException("full");

        await RunAsync(new Outcome.AccountToBlame(Ticket(1), Trouble(), null), Sent(2));

        Assert.That(_metrics.Sent.WithLabels("default", "main").Value, Is.EqualTo(1));
    }

    [Test]
    public async Task AccountToBlame_ThenAMailThatWasUnderWay_ProvesNothing()
    {
        await RunAsync(new Outcome.AccountToBlame(Ticket(), Trouble(), null), Sent(2));

        Assert.That(_log.Events.Single().Type, Is.EqualTo(EventType.AccountCircuitOpened));
        Assert.That(_wake.Drain().Parked, Contains.Key(Account));
        Assert.That(_circuits.Kept[Account].Cause, Is.EqualTo("connection"));
    }

    [Test]
    public async Task HeldBack_ComesBackAndParksItsLaneAgain()
    {
        var mark = new Mark(Ticket(3), 1, CountingPermit.Held, Now);
        await RunAsync(
            new Outcome.AccountToBlame(Ticket(1), Trouble(), null),
            new Outcome.HeldBack(Ticket(2), Account, null),
            new Outcome.HeldBack(Ticket(3), Account, Content()) { Mark = mark }
        );

        var woken = _wake.Drain();
        Assert.That(woken.Done.Select(static ticket => ticket.Id), Is.EqualTo(new[] { 1, 2, 3 }));
        Assert.That(woken.Parked[Account].Until, Is.EqualTo(Now + 5000));
        var settled = _store.Commits.SelectMany(static commit => commit).Single();
        Assert.That((settled.Mark, settled.Attempts, settled.Events.Count), Is.EqualTo((mark, 0, 0)));
    }

    private static AccountTrouble Trouble() => new(Account, TroubleKind.Connect, null, null, "refused");
}
