using MailProxy.Pipeline;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Schedule;
using MailProxy.Pipeline.Storage;
using NUnit.Framework;
using static MailProxy.Tests.Schedule.Tickets;

namespace MailProxy.Tests.Schedule;

internal sealed class ScheduleStageTests
{
    private static readonly AccountTrouble Down = new(A, TroubleKind.Connect, null, null, "connection refused");

    [Test]
    public async Task Run_Idle_AsksTheStoreNothing()
    {
        await using var bench = new ScheduleBench().Start();
        await bench.RestedAsync();
        for (var minute = 0; minute < 180; minute++)
        {
            bench.Clock.Advance(TimeSpan.FromMinutes(1));
            await bench.RestedAsync();
        }

        Assert.That((bench.Store.Asked, bench.Store.Swept), Is.EqualTo((0, 0)));
    }

    [Test]
    public async Task Run_Ticket_GoesOnWithAPermit()
    {
        await using var bench = new ScheduleBench(accounts: Account(A, new(PerHour: 100))).Start();
        bench.Offer(Ticket(1, A, recipients: 3));

        var due = await bench.NextAsync();

        Assert.That((due.Ticket.Id, due.Permit.AccountPermits, due.Permit.MaxRecipients), Is.EqualTo((1L, 3, 3)));
        Assert.That(bench.Store.Asked, Is.Zero);
    }

    [Test]
    public async Task Run_Recovered_ReadsTheLanesThatHaveMail()
    {
        await using var bench = new ScheduleBench();
        bench.Store.Add(Ticket(1, A), Ticket(2, B), Ticket(3, A));
        bench.Start(lanes: [(A, 0), (B, 0)]);

        Assert.That(await bench.SendAsync(3), Is.EquivalentTo(new long[] { 1, 2, 3 }));
        await bench.RestedAsync();
        Assert.That(bench.Store.Asked, Is.EqualTo(2));
    }

    [Test]
    public async Task Run_BacklogLargerThanTheWindow_SendsAllInOrder()
    {
        await using var bench = new ScheduleBench(new() { Window = 40, Page = 16 });
        bench.Store.Add([.. Enumerable.Range(1, 300).Select(i => Ticket(i, A))]);
        bench.Start(lanes: [(A, 0)]);

        Assert.That(await bench.SendAsync(300), Is.EqualTo(Enumerable.Range(1, 300).Select(i => (long)i)));
    }

    [Test]
    public async Task Run_OneLanesBacklog_DoesNotDelayAnother()
    {
        await using var bench = new ScheduleBench(capacity: 1);
        bench.Store.Add([.. Enumerable.Range(1, 5000).Select(i => Ticket(i, A))]);
        bench.Start(lanes: [(A, 0)]);
        await bench.SendAsync(50);

        bench.Offer(Ticket(9999, B));
        await bench.RestedAsync();

        // One was chosen before it came, then it is the other lane's turn.
        Assert.That(await bench.SendAsync(3), Does.Contain(9999L));
    }

    [Test]
    public async Task Run_LateImmediate_WinsOverAFullWindow()
    {
        await using var bench = new ScheduleBench(new() { Window = 20 }, capacity: 1);
        bench.Store.Add([.. Enumerable.Range(1, 500).Select(i => Ticket(i, A, Priority.Low))]);
        bench.Start(lanes: [(A, 0)]);
        await bench.SendAsync(5);
        await bench.RestedAsync();

        bench.Offer(Ticket(9999, A, Priority.Immediate));
        await bench.RestedAsync();

        Assert.That(await bench.SendAsync(3), Does.Contain(9999L));
    }

    [Test]
    public async Task Run_LateImmediateOnDisk_WinsOverAFullWindow()
    {
        await using var bench = new ScheduleBench(new() { Window = 20 }, capacity: 1);
        bench.Store.Add([.. Enumerable.Range(1, 500).Select(i => Ticket(i, A, Priority.Low))]);
        bench.Start(lanes: [(A, 0)]);
        await bench.SendAsync(5);
        await bench.RestedAsync();

        bench.Store.Add(Ticket(9999, A, Priority.Immediate));
        bench.Wake.Due(A, 0);
        await bench.RestedAsync();

        Assert.That(await bench.SendAsync(3), Does.Contain(9999L));
    }

    [Test]
    public async Task Run_DisplacedTickets_ComeBackFromTheDisk()
    {
        await using var bench = new ScheduleBench(new() { Window = 16, InFlight = 4 });
        bench.Start();
        for (var id = 1; id <= 40; id++)
            bench.Offer(Ticket(id, A));
        for (var id = 41; id <= 50; id++)
            bench.Offer(Ticket(id, A, Priority.High));

        var sent = await bench.SendAsync(50);

        Assert.That(sent, Is.EquivalentTo(Enumerable.Range(1, 50).Select(i => (long)i)));
        Assert.That(sent.Where(id => id <= 40), Is.Ordered);
    }

    [Test]
    public async Task Run_NoCapacityDownstream_ChoosesOnlyWhenThereIs()
    {
        await using var bench = new ScheduleBench(capacity: 1).Start();
        bench.Offer(Ticket(1, A));
        bench.Offer(Ticket(2, A));
        await bench.RestedAsync();
        bench.Offer(Ticket(3, A, Priority.Immediate));
        await bench.RestedAsync();

        Assert.That(await bench.NextAsync(3), Is.EqualTo(new long[] { 1, 3, 2 }));
    }

    [Test]
    public async Task Due_InTheFuture_IsReadThen()
    {
        await using var bench = new ScheduleBench().Start();
        var due = bench.Clock.Now + 10_000;
        bench.Store.Add(Ticket(1, A, due: due), Ticket(2, A, due: due + 5000));
        bench.Wake.Due(A, due);
        await bench.RestedAsync();
        bench.Clock.Advance(TimeSpan.FromSeconds(9));
        await bench.RestedAsync();
        Assert.That(bench.Store.Asked, Is.Zero);

        bench.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.That((await bench.NextAsync()).Ticket.Id, Is.EqualTo(1));
        await bench.RestedAsync();
        bench.Clock.Advance(TimeSpan.FromSeconds(5));
        Assert.That((await bench.NextAsync()).Ticket.Id, Is.EqualTo(2));
        await bench.RestedAsync();
        Assert.That(bench.Store.Asked, Is.EqualTo(2));
    }

    [Test]
    public async Task Due_EarlierThanKnown_IsReadThen()
    {
        await using var bench = new ScheduleBench().Start();
        var due = bench.Clock.Now + 50_000;
        bench.Wake.Due(A, due);
        await bench.RestedAsync();
        bench.Store.Add(Ticket(1, A, due: due - 40_000));
        bench.Wake.Due(A, due - 40_000);
        await bench.RestedAsync();

        bench.Clock.Advance(TimeSpan.FromSeconds(10));

        Assert.That((await bench.NextAsync()).Ticket.Id, Is.EqualTo(1));
    }

    [Test]
    public async Task Due_ClockStepsForward_IsReadWithinAMinute()
    {
        await using var bench = new ScheduleBench().Start();
        var due = bench.Clock.Now + 7_200_000;
        bench.Store.Add(Ticket(1, A, due: due));
        bench.Wake.Due(A, due);
        await bench.RestedAsync();

        bench.Clock.Step(TimeSpan.FromHours(2));
        bench.Clock.Advance(TimeSpan.FromMinutes(1));

        Assert.That((await bench.NextAsync()).Ticket.Id, Is.EqualTo(1));
    }

    [Test]
    public async Task Offer_DueInTheFuture_GoesBackToTheDisk()
    {
        await using var bench = new ScheduleBench().Start();
        bench.Offer(Ticket(1, A, due: bench.Clock.Now + 3000));
        await bench.RestedAsync();
        Assert.That(bench.Store.Claimed, Is.Zero);

        bench.Clock.Advance(TimeSpan.FromSeconds(3));

        Assert.That((await bench.NextAsync()).Ticket.Id, Is.EqualTo(1));
    }

    [Test]
    public async Task Limit_UsedUp_ParksTheAccountAndNoOther()
    {
        await using var bench = new ScheduleBench(accounts: [Account(A, new(PerMinute: 2)), Account(B)]).Start();
        for (var id = 1; id <= 4; id++)
            bench.Offer(Ticket(id, A));
        Assert.That(await bench.SendAsync(2), Is.EqualTo(new long[] { 1, 2 }));
        await bench.RestedAsync();

        var status = bench.Stage.Status(A);
        Assert.That((status.State, status.Reason, status.Waiting), Is.EqualTo((LaneState.AtLimit, "used 2 of 2 per minute", 0)));
        Assert.That(status.Until, Is.InRange(bench.Clock.Now + 60_000, bench.Clock.Now + 60_502));
        Assert.That(bench.Metrics.PermitsRefused.WithLabels("account-1").Value, Is.EqualTo(1));
        bench.Offer(Ticket(10, B));
        Assert.That(await bench.SendAsync(1), Is.EqualTo(new long[] { 10 }));

        await AdvanceAsync(bench, TimeSpan.FromSeconds(61));
        Assert.That(await bench.SendAsync(2), Is.EqualTo(new long[] { 3, 4 }));
    }

    [Test]
    public async Task Limit_PerSecond_KeepsTheTicketsAndAsksTheStoreNothing()
    {
        await using var bench = new ScheduleBench(accounts: Account(A, new(PerSecond: 10, Burst: 1))).Start();
        for (var id = 1; id <= 5; id++)
            bench.Offer(Ticket(id, A));
        for (var id = 1; id <= 5; id++)
        {
            Assert.That(await bench.SendAsync(1), Is.EqualTo(new long[] { id }));
            await bench.RestedAsync();
            Assert.That(bench.TryNext(out _), Is.False);
            bench.Clock.Advance(TimeSpan.FromMilliseconds(101));
        }

        Assert.That(bench.Store.Asked, Is.Zero);
    }

    [Test]
    public async Task Limit_OfTheInstallation_HoldsAllAndKeepsTheTurns()
    {
        await using var bench = new ScheduleBench(global: new(PerMinute: 1)).Start();
        bench.Offer(Ticket(1, A));
        await bench.SendAsync(1);
        foreach (var id in new long[] { 2, 3, 4 })
            bench.Offer(Ticket(id, A));
        foreach (var id in new long[] { 12, 13, 14 })
            bench.Offer(Ticket(id, B));
        await bench.RestedAsync();
        Assert.That(bench.Stage.Status(B).Reason, Is.EqualTo("the installation used 1 of 1 per minute"));
        Assert.That(bench.Metrics.PermitsRefused.WithLabels("global").Value, Is.EqualTo(1));

        var sent = new List<long>();
        for (var i = 0; i < 4; i++)
        {
            await AdvanceAsync(bench, TimeSpan.FromSeconds(61));
            sent.AddRange(await bench.SendAsync(1));
        }

        Assert.That(sent, Is.EqualTo(new long[] { 2, 12, 3, 13 }).Or.EqualTo(new long[] { 12, 2, 13, 3 }));
    }

    [Test]
    public async Task Limit_WhenReachedIsFail_HandsOnWithoutAPermit()
    {
        await using var bench = new ScheduleBench(accounts: Account(A, new(PerHour: 1, WhenReached: LimitReached.Fail))).Start();
        bench.Offer(Ticket(1, A));
        bench.Sent(await bench.NextAsync());
        bench.Offer(Ticket(2, A));

        var due = await bench.NextAsync();

        Assert.That(
            (due.Ticket.Id, due.Permit.IsAcquired, due.Permit.Refusal),
            Is.EqualTo((2L, false, "the account used 1 of 1 per hour"))
        );
        Assert.That(due.Permit.Spend, Throws.InvalidOperationException);
    }

    [Test]
    public async Task Limit_PermitGivenBackUnspent_IsAskedAgainAtOnce()
    {
        await using var bench = new ScheduleBench(accounts: Account(A, new(PerDay: 1))).Start();
        bench.Offer(Ticket(1, A));
        bench.Offer(Ticket(2, A));
        var first = await bench.NextAsync();
        await bench.RestedAsync();
        Assert.That(bench.Stage.Status(A).State, Is.EqualTo(LaneState.AtLimit));

        // No connection could be had: the attempt never began.
        first.Permit.Dispose();
        bench.Wake.Done(first.Ticket);

        Assert.That((await bench.NextAsync()).Permit.IsAcquired, Is.True);
    }

    [Test]
    public async Task Limit_Raised_IsNoticedAtOnce()
    {
        await using var bench = new ScheduleBench(accounts: Account(A, new(PerDay: 1))).Start();
        bench.Offer(Ticket(1, A));
        bench.Offer(Ticket(2, A));
        await bench.SendAsync(1);
        await bench.RestedAsync();
        Assert.That(bench.TryNext(out _), Is.False);

        bench.Accounts.Swap(new([Account(A, new(PerDay: 2), version: 2)], null));

        Assert.That(await bench.SendAsync(1), Is.EqualTo(new long[] { 2 }));
    }

    [Test]
    public async Task Limit_SeededFromRecovery_HoldsAfterARestart()
    {
        await using var bench = new ScheduleBench(accounts: Account(A, new(PerHour: 5)));
        bench.Start(uses: [new(A, 3600, bench.Clock.Now - 3_000_000, 5)]);
        bench.Offer(Ticket(1, A));
        await bench.RestedAsync();
        Assert.That(bench.Stage.Status(A).State, Is.EqualTo(LaneState.AtLimit));

        await AdvanceAsync(bench, TimeSpan.FromSeconds(631));

        Assert.That(await bench.SendAsync(1), Is.EqualTo(new long[] { 1 }));
    }

    [Test]
    public async Task Limit_ClockStepsBackWhileParked_OpensAfterTheTrueTime()
    {
        await using var bench = new ScheduleBench(accounts: Account(A, new(PerMinute: 1))).Start();
        bench.Offer(Ticket(1, A));
        bench.Offer(Ticket(2, A));
        await bench.SendAsync(1);
        await bench.RestedAsync();
        bench.Clock.Step(TimeSpan.FromHours(-5));

        await AdvanceAsync(bench, TimeSpan.FromSeconds(62));

        Assert.That(await bench.SendAsync(1), Is.EqualTo(new long[] { 2 }));
    }

    [Test]
    public async Task Park_Trouble_WaitsUntilThen()
    {
        await using var bench = new ScheduleBench().Start();
        bench.Wake.Park(Down, bench.Clock.Now + 30_000);
        await bench.RestedAsync();
        bench.Offer(Ticket(1, A));
        bench.Offer(Ticket(2, B));
        Assert.That((await bench.NextAsync()).Ticket.Id, Is.EqualTo(2));
        await bench.RestedAsync();
        var status = bench.Stage.Status(A);
        Assert.That(
            (status.State, status.Until, status.Reason),
            Is.EqualTo((LaneState.BackingOff, (long?)bench.Clock.Now + 30_000, "Connect: connection refused"))
        );
        Assert.That((bench.Stage.IsExcused(A), bench.Store.Asked), Is.EqualTo((true, 0)));

        bench.Clock.Advance(TimeSpan.FromSeconds(30));

        Assert.That((await bench.NextAsync()).Ticket.Id, Is.EqualTo(1));
    }

    [Test]
    public async Task Unpark_Parked_GoesOnAtOnce()
    {
        await using var bench = new ScheduleBench().Start();
        bench.Wake.Park(Down, bench.Clock.Now + 30_000);
        bench.Offer(Ticket(1, A));
        await bench.RestedAsync();

        bench.Wake.Unpark(A);

        Assert.That((await bench.NextAsync()).Ticket.Id, Is.EqualTo(1));
    }

    [Test]
    public async Task RunNow_Parked_EndsBackOffAndLooksAtEverything()
    {
        await using var bench = new ScheduleBench().Start();
        bench.Wake.Park(Down, bench.Clock.Now + 30_000);
        await bench.RestedAsync();
        bench.Store.Add(Ticket(1, A), Ticket(2, C));

        bench.Stage.RunNow();

        Assert.That(await bench.NextAsync(2), Is.EquivalentTo(new long[] { 1, 2 }));
        await bench.RestedAsync();
        Assert.That(bench.Store.Swept, Is.EqualTo(1));
    }

    [Test]
    public async Task RunNow_AtALimit_StaysThere()
    {
        await using var bench = new ScheduleBench(accounts: Account(A, new(PerHour: 1))).Start();
        bench.Offer(Ticket(1, A));
        bench.Offer(Ticket(2, A));
        await bench.SendAsync(1);
        await bench.RestedAsync();

        bench.Stage.RunNow();
        await bench.RestedAsync();

        Assert.That((bench.TryNext(out _), bench.Stage.Status(A).State), Is.EqualTo((false, LaneState.AtLimit)));
    }

    [Test]
    public async Task Return_NotYet_ComesAgain()
    {
        await using var bench = new ScheduleBench().Start();
        bench.Offer(Ticket(1, A));
        var due = await bench.NextAsync();
        due.Permit.Dispose();

        bench.Wake.Return(due.Ticket);

        var again = await bench.NextAsync();
        Assert.That(again.Ticket, Is.EqualTo(due.Ticket));
        Assert.That(bench.Stage.Status(A).InFlight, Is.EqualTo(1));
        Assert.That(bench.Store.Asked, Is.Zero);
    }

    [Test]
    public async Task SetAside_AllThatMayGo_LeavesTheWayToOthers()
    {
        await using var bench = new ScheduleBench(new() { InFlight = 4 }).Start();
        for (var id = 1; id <= 3; id++)
            bench.Offer(Ticket(id, A));
        var first = await bench.NextAsync();
        await bench.RestedAsync();
        Assert.That(bench.TryNext(out _), Is.False, "one account, a quarter");

        first.Permit.Dispose();
        bench.Wake.SetAside(first.Ticket);
        var second = await bench.NextAsync();
        Assert.That((second.Ticket.Id, bench.Stage.Status(A).InFlight), Is.EqualTo((2L, 1)));

        bench.Wake.Return(first.Ticket);
        await bench.RestedAsync();
        bench.Sent(second);
        Assert.That((await bench.NextAsync()).Ticket, Is.EqualTo(first.Ticket));
    }

    [Test]
    public async Task SetAside_GivesItsPermitToTheNext()
    {
        await using var bench = new ScheduleBench(accounts: Account(A, new(PerHour: 1))).Start();
        bench.Offer(Ticket(1, A));
        bench.Offer(Ticket(2, A));
        var first = await bench.NextAsync();
        await bench.RestedAsync();
        Assert.That(bench.Stage.Status(A).State, Is.EqualTo(LaneState.AtLimit));

        first.Permit.Dispose();
        bench.Wake.SetAside(first.Ticket);

        Assert.That((await bench.NextAsync()).Ticket.Id, Is.EqualTo(2));
        bench.Sent(first);
        await bench.RestedAsync();
    }

    [Test]
    public async Task Stop_WithMailSetAside_GivesItsClaimsBack([Values] bool seen)
    {
        var bench = new ScheduleBench().Start();
        bench.Offer(Ticket(1, A));
        var due = await bench.NextAsync();
        due.Permit.Dispose();
        bench.Wake.SetAside(due.Ticket);
        if (seen)
            await bench.RestedAsync();

        await bench.StopAsync();

        Assert.That(bench.Store.Claimed, Is.Zero);
    }

    [Test]
    public async Task Done_DeferredByReport_ComesBackWhenDue()
    {
        await using var bench = new ScheduleBench().Start();
        bench.Offer(Ticket(1, A));
        var due = await bench.NextAsync();
        var retry = due.Ticket with { Attempt = 1, Due = bench.Clock.Now + 60_000 };
        bench.Store.Add(retry);
        bench.Wake.Done(due.Ticket);
        bench.Wake.Due(A, retry.Due);
        await bench.RestedAsync();
        Assert.That(bench.Stage.Status(A).InFlight, Is.Zero);

        bench.Clock.Advance(TimeSpan.FromMinutes(1));

        Assert.That((await bench.NextAsync()).Ticket, Is.EqualTo(retry));
    }

    [Test]
    public async Task Suspend_ThenActivate_HoldsEverythingMeanwhile()
    {
        await using var bench = new ScheduleBench().Start(suspended: true);
        bench.Offer(Ticket(1, A));
        await bench.RestedAsync();
        Assert.That(
            (bench.TryNext(out _), bench.Stage.Status(A).State, bench.Stage.IsExcused(A)),
            Is.EqualTo((false, LaneState.Suspended, true))
        );

        bench.Stage.Activate();
        Assert.That(await bench.SendAsync(1), Is.EqualTo(new long[] { 1 }));
        bench.Stage.Suspend();
        bench.Offer(Ticket(2, A));
        await bench.RestedAsync();

        Assert.That(bench.TryNext(out _), Is.False);
    }

    [Test]
    public async Task Pause_ThenResume_HoldsTheAccountMeanwhile()
    {
        await using var bench = new ScheduleBench().Start();
        bench.Accounts.Swap(new([Account(A, version: 2) with { Paused = true }, Account(B)], null));
        bench.Offer(Ticket(1, A));
        bench.Offer(Ticket(2, B));
        Assert.That(await bench.SendAsync(1), Is.EqualTo(new long[] { 2 }));
        await bench.RestedAsync();
        Assert.That((bench.Stage.Status(A).State, bench.Store.Claimed), Is.EqualTo((LaneState.Paused, 0)));

        bench.Accounts.Swap(new([Account(A, version: 3), Account(B)], null));

        Assert.That(await bench.SendAsync(1), Is.EqualTo(new long[] { 1 }));
    }

    [Test]
    public async Task TenantSuspended_ThenActive_HoldsItsAccountsMeanwhileAndNobodyElses()
    {
        await using var bench = new ScheduleBench().Start();
        SmtpAccount[] accounts = [Account(A) with { Tenant = "acme" }, Account(B)];
        bench.Accounts.Swap(
            new(
                accounts,
                null,
                new([
                    new() { Id = "default", Name = "d" },
                    new()
                    {
                        Id = "acme",
                        Name = "a",
                        Active = false,
                    },
                ])
            )
        );
        bench.Offer(Ticket(1, A));
        bench.Offer(Ticket(2, B));
        Assert.That(await bench.SendAsync(1), Is.EqualTo(new long[] { 2 }));
        await bench.RestedAsync();
        Assert.That(
            (bench.Stage.Status(A).State, bench.Stage.IsExcused(A), bench.Store.Claimed),
            Is.EqualTo((LaneState.TenantSuspended, true, 0))
        );

        bench.Accounts.Swap(new(accounts, null));

        Assert.That(await bench.SendAsync(1), Is.EqualTo(new long[] { 1 }));
    }

    [Test]
    public async Task Status_TenantAtItsShare_IsExcusedWithThatReasonAndANeighbourIsNot()
    {
        SmtpAccount[] accounts =
        [
            Account(A) with
            {
                Tenant = "mallory",
            },
            Account(B) with
            {
                Tenant = "mallory",
            },
            Account(C) with
            {
                Tenant = "victim",
            },
        ];
        await using var bench = new ScheduleBench(new() { InFlight = 8 }, share: new(0.5, static () => true), accounts: accounts).Start();
        for (var i = 1; i <= 8; i++)
            bench.Offer(Ticket(i, i % 2 == 0 ? A : B));
        var hanging = new List<DueMail>();
        for (var i = 0; i < 4; i++)
            hanging.Add(await bench.NextAsync());
        bench.Clock.Advance(TimeSpan.FromMinutes(2));
        await bench.RestedAsync();

        var status = bench.Stage.Status(A);
        Assert.That((bench.TryNext(out _), status.State, bench.Stage.IsExcused(A)), Is.EqualTo((false, LaneState.TenantAtShare, true)));
        Assert.That(status.Reason, Does.Contain("4 attempts").And.Contain("share is 4").And.Contain("Schedule:InFlight"));
        Assert.That((bench.Stage.Status(C).State, bench.Stage.IsExcused(C)), Is.EqualTo((LaneState.Ready, false)));

        bench.Offer(Ticket(100, C));
        Assert.That((await bench.NextAsync()).Ticket.Id, Is.EqualTo(100));
        foreach (var mail in hanging)
            bench.Sent(mail);
        for (var i = 0; i < 4; i++)
            bench.Sent(await bench.NextAsync());
        await bench.RestedAsync();
        Assert.That(bench.Stage.Status(A).State, Is.Not.EqualTo(LaneState.Busy));
    }

    [Test]
    public async Task Status_AccountWithAllItMayHaveUnderWay_SaysSoAndIsNotExcused()
    {
        await using var bench = new ScheduleBench(accounts: [Account(A) with { MaxConnections = 1 }]).Start();
        for (var i = 1; i <= 3; i++)
            bench.Offer(Ticket(i, A));
        await bench.NextAsync();
        await bench.NextAsync();
        await bench.RestedAsync();
        bench.Clock.Advance(TimeSpan.FromMinutes(2));

        Assert.That((bench.Stage.Status(A).State, bench.Stage.IsExcused(A)), Is.EqualTo((LaneState.Busy, false)));
        Assert.That(bench.Stage.Status(A).Reason, Does.Contain("2 attempts").And.Contain("max_connections"));
    }

    [Test]
    public async Task Run_AccountGone_ItsLaneIsForgotten()
    {
        await using var bench = new ScheduleBench().Start();
        bench.Offer(Ticket(1, A));
        bench.Sent(await bench.NextAsync());
        await bench.RestedAsync();
        bench.Accounts.Swap(new([Account(B)], null));
        await bench.RestedAsync();

        Assert.That((bench.Stage.Status(A).State, bench.Stage.Lanes), Is.EqualTo((LaneState.UnknownAccount, 0)));
        bench.Accounts.Swap(new([Account(A), Account(B)], null));
        bench.Offer(Ticket(2, A));
        Assert.That((await bench.NextAsync()).Ticket.Id, Is.EqualTo(2));
    }

    [Test]
    public async Task Run_UnknownAccount_WaitsForItWithAName()
    {
        await using var bench = new ScheduleBench(accounts: Account(A)).Start();
        bench.Offer(Ticket(1, B));
        await bench.RestedAsync();
        Assert.That((bench.TryNext(out _), bench.Stage.Status(B).State), Is.EqualTo((false, LaneState.UnknownAccount)));

        bench.Accounts.Swap(new([Account(A), Account(B)], null));

        Assert.That(await bench.SendAsync(1), Is.EqualTo(new long[] { 1 }));
    }

    [Test]
    public async Task StoreTrouble_UntilItIsOver_StandsStill()
    {
        await using var bench = new ScheduleBench().Start();
        bench.Health.StoreTrouble = "disk full";
        bench.Offer(Ticket(1, A));
        await bench.RestedAsync();
        Assert.That(
            (bench.TryNext(out _), bench.Stage.Status(A).State, bench.Stage.Status(A).Reason),
            Is.EqualTo((false, LaneState.StoreTrouble, "disk full"))
        );

        bench.Health.StoreTrouble = null;

        Assert.That(await bench.SendAsync(1), Is.EqualTo(new long[] { 1 }));
    }

    [Test]
    public async Task StoreUnavailable_OnARead_TriesAgainAfterASecond()
    {
        await using var bench = new ScheduleBench();
        bench.Store.Add(Ticket(1, A));
        bench.Store.Trouble = new StoreUnavailableException("locked");
        bench.Start(lanes: [(A, 0)]);
        await bench.RestedAsync();
        Assert.That((bench.Store.Asked, bench.Stage.Status(A).State), Is.EqualTo((1, LaneState.StoreTrouble)));

        bench.Store.Trouble = null;
        bench.Clock.Advance(TimeSpan.FromSeconds(1));

        Assert.That(await bench.SendAsync(1), Is.EqualTo(new long[] { 1 }));
    }

    [Test]
    public async Task Claim_WhatNobodyForesaw_ItsLaneAloneAsksAgainInAMinute()
    {
        await using var bench = new ScheduleBench(accounts: [Account(A), Account(B)]);
        bench.Store.Add(Ticket(1, A));
        bench.Store.Trouble = new InvalidOperationException("a row that makes no sense");
        bench.Start(lanes: [(A, 0)]);
        await bench.RestedAsync();
        bench.Offer(Ticket(2, B));
        Assert.That(await bench.SendAsync(1), Is.EqualTo(new long[] { 2 }), "the others go on");

        bench.Store.Trouble = null;
        await AdvanceAsync(bench, TimeSpan.FromSeconds(61));

        Assert.That(await bench.SendAsync(1), Is.EqualTo(new long[] { 1 }));
    }

    [Test]
    public async Task Expiry_WhenItComes_IsSweptInChunks()
    {
        await using var bench = new ScheduleBench();
        var now = bench.Clock.Now;
        bench.Store.Sweeps.Enqueue(new(256, now));
        bench.Store.Sweeps.Enqueue(new(10, now + 90_000));
        bench.Start(nextExpiry: now + 30_000);
        await bench.RestedAsync();
        Assert.That(bench.Store.Swept, Is.Zero);

        await AdvanceAsync(bench, TimeSpan.FromSeconds(30));
        Assert.That(bench.Store.Swept, Is.EqualTo(2));
        await AdvanceAsync(bench, TimeSpan.FromSeconds(59));
        Assert.That(bench.Store.Swept, Is.EqualTo(2));
        await AdvanceAsync(bench, TimeSpan.FromSeconds(1));
        Assert.That(bench.Store.Swept, Is.EqualTo(3));
    }

    [Test]
    public async Task ExpiryHint_Earlier_IsSweptThenAndLaterOnesAreKept()
    {
        await using var bench = new ScheduleBench();
        var now = bench.Clock.Now;
        bench.Start(nextExpiry: now + 40_000);
        await bench.RestedAsync();
        bench.Store.Sweeps.Enqueue(new(1, now + 40_000));
        bench.Stage.ExpiryHint(now + 50_000);
        bench.Stage.ExpiryHint(now + 10_000);
        await AdvanceAsync(bench, TimeSpan.FromSeconds(10));
        Assert.That(bench.Store.Swept, Is.EqualTo(1));
        await AdvanceAsync(bench, TimeSpan.FromSeconds(30));
        Assert.That(bench.Store.Swept, Is.EqualTo(2));
    }

    [Test]
    public async Task Expiry_NothingFoundThoughItWasTime_IsNotRepeatedAtOnce()
    {
        await using var bench = new ScheduleBench();
        bench.Store.Sweeps.Enqueue(new(0, bench.Clock.Now));
        bench.Start(nextExpiry: bench.Clock.Now);
        await bench.RestedAsync();

        Assert.That(bench.Store.Swept, Is.EqualTo(1));
    }

    [Test]
    public async Task Stop_WithTickets_GivesThemAllBack()
    {
        await using var bench = new ScheduleBench(capacity: 2);
        bench.Store.Add([.. Enumerable.Range(1, 100).Select(i => Ticket(i, A))]);
        bench.Start(lanes: [(A, 0)]);
        await bench.NextAsync();
        await bench.RestedAsync();
        Assert.That(bench.Store.Claimed, Is.GreaterThan(3));

        await bench.StopAsync();

        Assert.That(bench.Store.Claimed, Is.InRange(1, 4)); // what is on its way
    }

    [Test]
    public async Task Run_NextClosed_Ends()
    {
        await using var bench = new ScheduleBench().Start();
        await bench.RestedAsync();
        bench.CloseNext();
        bench.Offer(Ticket(1, A));

        await bench.Running.WaitAsync(TimeSpan.FromSeconds(30));

        Assert.That(bench.Store.Claimed, Is.Zero);
    }

    [Test]
    public async Task IsExcused_AMinuteAfterTheReasonEnded_IsNot()
    {
        await using var bench = new ScheduleBench().Start();
        bench.Wake.Park(Down, bench.Clock.Now + 5000);
        await bench.RestedAsync();
        await AdvanceAsync(bench, TimeSpan.FromSeconds(5));
        Assert.That(bench.Stage.Status(A).State, Is.EqualTo(LaneState.Ready));
        Assert.That(bench.Stage.IsExcused(A), Is.True);
        await AdvanceAsync(bench, TimeSpan.FromSeconds(60));
        Assert.That(bench.Stage.IsExcused(A), Is.False);
    }

    private static async Task AdvanceAsync(ScheduleBench bench, TimeSpan by)
    {
        await bench.RestedAsync();
        bench.Clock.Advance(by);
        await bench.RestedAsync();
    }
}
