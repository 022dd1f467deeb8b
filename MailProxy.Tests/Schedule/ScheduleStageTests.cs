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
        await using var room = new ScheduleRoom().Start();
        await room.RestedAsync();
        for (var minute = 0; minute < 180; minute++)
        {
            room.Clock.Advance(TimeSpan.FromMinutes(1));
            await room.RestedAsync();
        }

        Assert.That((room.Store.Asked, room.Store.Swept), Is.EqualTo((0, 0)));
    }

    [Test]
    public async Task Run_Ticket_GoesOnWithAPermit()
    {
        await using var room = new ScheduleRoom(accounts: Account(A, new(PerHour: 100))).Start();
        room.Offer(Ticket(1, A, recipients: 3));

        var due = await room.NextAsync();

        Assert.That((due.Ticket.Id, due.Permit.AccountPermits, due.Permit.MaxRecipients), Is.EqualTo((1L, 3, 3)));
        Assert.That(room.Store.Asked, Is.Zero);
    }

    [Test]
    public async Task Run_Recovered_ReadsTheLanesThatHaveMail()
    {
        await using var room = new ScheduleRoom();
        room.Store.Add(Ticket(1, A), Ticket(2, B), Ticket(3, A));
        room.Start(lanes: [(A, 0), (B, 0)]);

        Assert.That(await room.SendAsync(3), Is.EquivalentTo(new long[] { 1, 2, 3 }));
        await room.RestedAsync();
        Assert.That(room.Store.Asked, Is.EqualTo(2));
    }

    [Test]
    public async Task Run_BacklogLargerThanTheWindow_SendsAllInOrder()
    {
        await using var room = new ScheduleRoom(new() { Window = 40, Page = 16 });
        room.Store.Add([.. Enumerable.Range(1, 300).Select(i => Ticket(i, A))]);
        room.Start(lanes: [(A, 0)]);

        Assert.That(await room.SendAsync(300), Is.EqualTo(Enumerable.Range(1, 300).Select(i => (long)i)));
    }

    [Test]
    public async Task Run_OneLanesBacklog_DoesNotDelayAnother()
    {
        await using var room = new ScheduleRoom(room: 1);
        room.Store.Add([.. Enumerable.Range(1, 5000).Select(i => Ticket(i, A))]);
        room.Start(lanes: [(A, 0)]);
        await room.SendAsync(50);

        room.Offer(Ticket(9999, B));
        await room.RestedAsync();

        // One was chosen before it came, then it is the other lane's turn.
        Assert.That(await room.SendAsync(3), Does.Contain(9999L));
    }

    [Test]
    public async Task Run_LateImmediate_WinsOverAFullWindow()
    {
        await using var room = new ScheduleRoom(new() { Window = 20 }, room: 1);
        room.Store.Add([.. Enumerable.Range(1, 500).Select(i => Ticket(i, A, Priority.Low))]);
        room.Start(lanes: [(A, 0)]);
        await room.SendAsync(5);
        await room.RestedAsync();

        room.Offer(Ticket(9999, A, Priority.Immediate));
        await room.RestedAsync();

        Assert.That(await room.SendAsync(3), Does.Contain(9999L));
    }

    [Test]
    public async Task Run_LateImmediateOnDisk_WinsOverAFullWindow()
    {
        await using var room = new ScheduleRoom(new() { Window = 20 }, room: 1);
        room.Store.Add([.. Enumerable.Range(1, 500).Select(i => Ticket(i, A, Priority.Low))]);
        room.Start(lanes: [(A, 0)]);
        await room.SendAsync(5);
        await room.RestedAsync();

        room.Store.Add(Ticket(9999, A, Priority.Immediate));
        room.Wake.Due(A, 0);
        await room.RestedAsync();

        Assert.That(await room.SendAsync(3), Does.Contain(9999L));
    }

    [Test]
    public async Task Run_DisplacedTickets_ComeBackFromTheDisk()
    {
        await using var room = new ScheduleRoom(new() { Window = 16, InFlight = 4 });
        room.Start();
        for (var id = 1; id <= 40; id++) room.Offer(Ticket(id, A));
        for (var id = 41; id <= 50; id++) room.Offer(Ticket(id, A, Priority.High));

        var sent = await room.SendAsync(50);

        Assert.That(sent, Is.EquivalentTo(Enumerable.Range(1, 50).Select(i => (long)i)));
        Assert.That(sent.Where(id => id <= 40), Is.Ordered);
    }

    [Test]
    public async Task Run_NoRoomDownstream_ChoosesOnlyWhenThereIs()
    {
        await using var room = new ScheduleRoom(room: 1).Start();
        room.Offer(Ticket(1, A));
        room.Offer(Ticket(2, A));
        await room.RestedAsync();
        room.Offer(Ticket(3, A, Priority.Immediate));
        await room.RestedAsync();

        Assert.That(await room.NextAsync(3), Is.EqualTo(new long[] { 1, 3, 2 }));
    }

    [Test]
    public async Task Due_InTheFuture_IsReadThen()
    {
        await using var room = new ScheduleRoom().Start();
        var due = room.Clock.Now + 10_000;
        room.Store.Add(Ticket(1, A, due: due), Ticket(2, A, due: due + 5000));
        room.Wake.Due(A, due);
        await room.RestedAsync();
        room.Clock.Advance(TimeSpan.FromSeconds(9));
        await room.RestedAsync();
        Assert.That(room.Store.Asked, Is.Zero);

        room.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.That((await room.NextAsync()).Ticket.Id, Is.EqualTo(1));
        await room.RestedAsync();
        room.Clock.Advance(TimeSpan.FromSeconds(5));
        Assert.That((await room.NextAsync()).Ticket.Id, Is.EqualTo(2));
        await room.RestedAsync();
        Assert.That(room.Store.Asked, Is.EqualTo(2));
    }

    [Test]
    public async Task Due_EarlierThanKnown_IsReadThen()
    {
        await using var room = new ScheduleRoom().Start();
        var due = room.Clock.Now + 50_000;
        room.Wake.Due(A, due);
        await room.RestedAsync();
        room.Store.Add(Ticket(1, A, due: due - 40_000));
        room.Wake.Due(A, due - 40_000);
        await room.RestedAsync();

        room.Clock.Advance(TimeSpan.FromSeconds(10));

        Assert.That((await room.NextAsync()).Ticket.Id, Is.EqualTo(1));
    }

    [Test]
    public async Task Due_ClockStepsForward_IsReadWithinAMinute()
    {
        await using var room = new ScheduleRoom().Start();
        var due = room.Clock.Now + 7_200_000;
        room.Store.Add(Ticket(1, A, due: due));
        room.Wake.Due(A, due);
        await room.RestedAsync();

        room.Clock.Step(TimeSpan.FromHours(2));
        room.Clock.Advance(TimeSpan.FromMinutes(1));

        Assert.That((await room.NextAsync()).Ticket.Id, Is.EqualTo(1));
    }

    [Test]
    public async Task Offer_DueInTheFuture_GoesBackToTheDisk()
    {
        await using var room = new ScheduleRoom().Start();
        room.Offer(Ticket(1, A, due: room.Clock.Now + 3000));
        await room.RestedAsync();
        Assert.That(room.Store.Claimed, Is.Zero);

        room.Clock.Advance(TimeSpan.FromSeconds(3));

        Assert.That((await room.NextAsync()).Ticket.Id, Is.EqualTo(1));
    }

    [Test]
    public async Task Limit_UsedUp_ParksTheAccountAndNoOther()
    {
        await using var room = new ScheduleRoom(accounts: [Account(A, new(PerMinute: 2)), Account(B)]).Start();
        for (var id = 1; id <= 4; id++) room.Offer(Ticket(id, A));
        Assert.That(await room.SendAsync(2), Is.EqualTo(new long[] { 1, 2 }));
        await room.RestedAsync();

        var status = room.Stage.Status(A);
        Assert.That((status.State, status.Reason, status.Waiting), Is.EqualTo((LaneState.AtLimit, "used 2 of 2 per minute", 0)));
        Assert.That(status.Until, Is.InRange(room.Clock.Now + 60_000, room.Clock.Now + 60_502));
        Assert.That(room.Metrics.PermitsRefused.WithLabels("account-1").Value, Is.EqualTo(1));
        room.Offer(Ticket(10, B));
        Assert.That(await room.SendAsync(1), Is.EqualTo(new long[] { 10 }));

        await AdvanceAsync(room, TimeSpan.FromSeconds(61));
        Assert.That(await room.SendAsync(2), Is.EqualTo(new long[] { 3, 4 }));
    }

    [Test]
    public async Task Limit_PerSecond_KeepsTheTicketsAndAsksTheStoreNothing()
    {
        await using var room = new ScheduleRoom(accounts: Account(A, new(PerSecond: 10, Burst: 1))).Start();
        for (var id = 1; id <= 5; id++) room.Offer(Ticket(id, A));
        for (var id = 1; id <= 5; id++)
        {
            Assert.That(await room.SendAsync(1), Is.EqualTo(new long[] { id }));
            await room.RestedAsync();
            Assert.That(room.TryNext(out _), Is.False);
            room.Clock.Advance(TimeSpan.FromMilliseconds(101));
        }

        Assert.That(room.Store.Asked, Is.Zero);
    }

    [Test]
    public async Task Limit_OfTheInstallation_HoldsAllAndKeepsTheTurns()
    {
        await using var room = new ScheduleRoom(global: new(PerMinute: 1)).Start();
        room.Offer(Ticket(1, A));
        await room.SendAsync(1);
        foreach (var id in new long[] { 2, 3, 4 }) room.Offer(Ticket(id, A));
        foreach (var id in new long[] { 12, 13, 14 }) room.Offer(Ticket(id, B));
        await room.RestedAsync();
        Assert.That(room.Stage.Status(B).Reason, Is.EqualTo("the installation used 1 of 1 per minute"));
        Assert.That(room.Metrics.PermitsRefused.WithLabels("global").Value, Is.EqualTo(1));

        var sent = new List<long>();
        for (var i = 0; i < 4; i++)
        {
            await AdvanceAsync(room, TimeSpan.FromSeconds(61));
            sent.AddRange(await room.SendAsync(1));
        }

        Assert.That(sent, Is.EqualTo(new long[] { 2, 12, 3, 13 }).Or.EqualTo(new long[] { 12, 2, 13, 3 }));
    }

    [Test]
    public async Task Limit_WhenReachedIsFail_HandsOnWithoutAPermit()
    {
        await using var room = new ScheduleRoom(accounts: Account(A, new(PerHour: 1, WhenReached: LimitReached.Fail))).Start();
        room.Offer(Ticket(1, A));
        room.Sent(await room.NextAsync());
        room.Offer(Ticket(2, A));

        var due = await room.NextAsync();

        Assert.That((due.Ticket.Id, due.Permit.IsAcquired, due.Permit.Refusal), Is.EqualTo((2L, false, "the account used 1 of 1 per hour")));
        Assert.That(due.Permit.Spend, Throws.InvalidOperationException);
    }

    [Test]
    public async Task Limit_PermitGivenBackUnspent_IsAskedAgainAtOnce()
    {
        await using var room = new ScheduleRoom(accounts: Account(A, new(PerDay: 1))).Start();
        room.Offer(Ticket(1, A));
        room.Offer(Ticket(2, A));
        var first = await room.NextAsync();
        await room.RestedAsync();
        Assert.That(room.Stage.Status(A).State, Is.EqualTo(LaneState.AtLimit));

        // No connection could be had: the attempt never began.
        first.Permit.Dispose();
        room.Wake.Done(first.Ticket);

        Assert.That((await room.NextAsync()).Permit.IsAcquired, Is.True);
    }

    [Test]
    public async Task Limit_Raised_IsNoticedAtOnce()
    {
        await using var room = new ScheduleRoom(accounts: Account(A, new(PerDay: 1))).Start();
        room.Offer(Ticket(1, A));
        room.Offer(Ticket(2, A));
        await room.SendAsync(1);
        await room.RestedAsync();
        Assert.That(room.TryNext(out _), Is.False);

        room.Accounts.Swap(new([Account(A, new(PerDay: 2), version: 2)], null));

        Assert.That(await room.SendAsync(1), Is.EqualTo(new long[] { 2 }));
    }

    [Test]
    public async Task Limit_SeededFromRecovery_HoldsAfterARestart()
    {
        await using var room = new ScheduleRoom(accounts: Account(A, new(PerHour: 5)));
        room.Start(uses: [new(A, 3600, room.Clock.Now - 3_000_000, 5)]);
        room.Offer(Ticket(1, A));
        await room.RestedAsync();
        Assert.That(room.Stage.Status(A).State, Is.EqualTo(LaneState.AtLimit));

        await AdvanceAsync(room, TimeSpan.FromSeconds(631));

        Assert.That(await room.SendAsync(1), Is.EqualTo(new long[] { 1 }));
    }

    [Test]
    public async Task Limit_ClockStepsBackWhileParked_OpensAfterTheTrueTime()
    {
        await using var room = new ScheduleRoom(accounts: Account(A, new(PerMinute: 1))).Start();
        room.Offer(Ticket(1, A));
        room.Offer(Ticket(2, A));
        await room.SendAsync(1);
        await room.RestedAsync();
        room.Clock.Step(TimeSpan.FromHours(-5));

        await AdvanceAsync(room, TimeSpan.FromSeconds(62));

        Assert.That(await room.SendAsync(1), Is.EqualTo(new long[] { 2 }));
    }

    [Test]
    public async Task Park_Trouble_WaitsUntilThen()
    {
        await using var room = new ScheduleRoom().Start();
        room.Wake.Park(Down, room.Clock.Now + 30_000);
        await room.RestedAsync();
        room.Offer(Ticket(1, A));
        room.Offer(Ticket(2, B));
        Assert.That((await room.NextAsync()).Ticket.Id, Is.EqualTo(2));
        await room.RestedAsync();
        var status = room.Stage.Status(A);
        Assert.That((status.State, status.Until, status.Reason), Is.EqualTo((LaneState.BackingOff, (long?)room.Clock.Now + 30_000, "Connect: connection refused")));
        Assert.That((room.Stage.IsExcused(A), room.Store.Asked), Is.EqualTo((true, 0)));

        room.Clock.Advance(TimeSpan.FromSeconds(30));

        Assert.That((await room.NextAsync()).Ticket.Id, Is.EqualTo(1));
    }

    [Test]
    public async Task Unpark_Parked_GoesOnAtOnce()
    {
        await using var room = new ScheduleRoom().Start();
        room.Wake.Park(Down, room.Clock.Now + 30_000);
        room.Offer(Ticket(1, A));
        await room.RestedAsync();

        room.Wake.Unpark(A);

        Assert.That((await room.NextAsync()).Ticket.Id, Is.EqualTo(1));
    }

    [Test]
    public async Task RunNow_Parked_EndsBackOffAndLooksAtEverything()
    {
        await using var room = new ScheduleRoom().Start();
        room.Wake.Park(Down, room.Clock.Now + 30_000);
        await room.RestedAsync();
        room.Store.Add(Ticket(1, A), Ticket(2, C));

        room.Stage.RunNow();

        Assert.That(await room.NextAsync(2), Is.EquivalentTo(new long[] { 1, 2 }));
        await room.RestedAsync();
        Assert.That(room.Store.Swept, Is.EqualTo(1));
    }

    [Test]
    public async Task RunNow_AtALimit_StaysThere()
    {
        await using var room = new ScheduleRoom(accounts: Account(A, new(PerHour: 1))).Start();
        room.Offer(Ticket(1, A));
        room.Offer(Ticket(2, A));
        await room.SendAsync(1);
        await room.RestedAsync();

        room.Stage.RunNow();
        await room.RestedAsync();

        Assert.That((room.TryNext(out _), room.Stage.Status(A).State), Is.EqualTo((false, LaneState.AtLimit)));
    }

    [Test]
    public async Task Return_NotYet_ComesAgain()
    {
        await using var room = new ScheduleRoom().Start();
        room.Offer(Ticket(1, A));
        var due = await room.NextAsync();
        due.Permit.Dispose();

        room.Wake.Return(due.Ticket);

        var again = await room.NextAsync();
        Assert.That(again.Ticket, Is.EqualTo(due.Ticket));
        Assert.That(room.Stage.Status(A).InFlight, Is.EqualTo(1));
        Assert.That(room.Store.Asked, Is.Zero);
    }

    [Test]
    public async Task SetAside_AllThatMayGo_LeavesTheWayToOthers()
    {
        await using var room = new ScheduleRoom(new() { InFlight = 4 }).Start();
        for (var id = 1; id <= 3; id++) room.Offer(Ticket(id, A));
        var first = await room.NextAsync();
        await room.RestedAsync();
        Assert.That(room.TryNext(out _), Is.False, "one account, a quarter");

        first.Permit.Dispose();
        room.Wake.SetAside(first.Ticket);
        var second = await room.NextAsync();
        Assert.That((second.Ticket.Id, room.Stage.Status(A).InFlight), Is.EqualTo((2L, 1)));

        room.Wake.Return(first.Ticket);
        await room.RestedAsync();
        room.Sent(second);
        Assert.That((await room.NextAsync()).Ticket, Is.EqualTo(first.Ticket));
    }

    [Test]
    public async Task SetAside_GivesItsPermitToTheNext()
    {
        await using var room = new ScheduleRoom(accounts: Account(A, new(PerHour: 1))).Start();
        room.Offer(Ticket(1, A));
        room.Offer(Ticket(2, A));
        var first = await room.NextAsync();
        await room.RestedAsync();
        Assert.That(room.Stage.Status(A).State, Is.EqualTo(LaneState.AtLimit));

        first.Permit.Dispose();
        room.Wake.SetAside(first.Ticket);

        Assert.That((await room.NextAsync()).Ticket.Id, Is.EqualTo(2));
        room.Sent(first);
        await room.RestedAsync();
    }

    [Test]
    public async Task Stop_WithMailSetAside_GivesItsClaimsBack([Values] bool seen)
    {
        var room = new ScheduleRoom().Start();
        room.Offer(Ticket(1, A));
        var due = await room.NextAsync();
        due.Permit.Dispose();
        room.Wake.SetAside(due.Ticket);
        if (seen) await room.RestedAsync();

        await room.StopAsync();

        Assert.That(room.Store.Claimed, Is.Zero);
    }

    [Test]
    public async Task Done_DeferredByReport_ComesBackWhenDue()
    {
        await using var room = new ScheduleRoom().Start();
        room.Offer(Ticket(1, A));
        var due = await room.NextAsync();
        var retry = due.Ticket with { Attempt = 1, Due = room.Clock.Now + 60_000 };
        room.Store.Add(retry);
        room.Wake.Done(due.Ticket);
        room.Wake.Due(A, retry.Due);
        await room.RestedAsync();
        Assert.That(room.Stage.Status(A).InFlight, Is.Zero);

        room.Clock.Advance(TimeSpan.FromMinutes(1));

        Assert.That((await room.NextAsync()).Ticket, Is.EqualTo(retry));
    }

    [Test]
    public async Task Suspend_ThenActivate_HoldsEverythingMeanwhile()
    {
        await using var room = new ScheduleRoom().Start(suspended: true);
        room.Offer(Ticket(1, A));
        await room.RestedAsync();
        Assert.That((room.TryNext(out _), room.Stage.Status(A).State, room.Stage.IsExcused(A)), Is.EqualTo((false, LaneState.Suspended, true)));

        room.Stage.Activate();
        Assert.That(await room.SendAsync(1), Is.EqualTo(new long[] { 1 }));
        room.Stage.Suspend();
        room.Offer(Ticket(2, A));
        await room.RestedAsync();

        Assert.That(room.TryNext(out _), Is.False);
    }

    [Test]
    public async Task Pause_ThenResume_HoldsTheAccountMeanwhile()
    {
        await using var room = new ScheduleRoom().Start();
        room.Accounts.Swap(new([Account(A, version: 2) with { Paused = true }, Account(B)], null));
        room.Offer(Ticket(1, A));
        room.Offer(Ticket(2, B));
        Assert.That(await room.SendAsync(1), Is.EqualTo(new long[] { 2 }));
        await room.RestedAsync();
        Assert.That((room.Stage.Status(A).State, room.Store.Claimed), Is.EqualTo((LaneState.Paused, 0)));

        room.Accounts.Swap(new([Account(A, version: 3), Account(B)], null));

        Assert.That(await room.SendAsync(1), Is.EqualTo(new long[] { 1 }));
    }

    [Test]
    public async Task TenantSuspended_ThenActive_HoldsItsAccountsMeanwhileAndNobodyElses()
    {
        await using var room = new ScheduleRoom().Start();
        SmtpAccount[] accounts = [Account(A) with { Tenant = "acme" }, Account(B)];
        room.Accounts.Swap(new(accounts, null, new([new() { Id = "default", Name = "d" }, new() { Id = "acme", Name = "a", Active = false }])));
        room.Offer(Ticket(1, A));
        room.Offer(Ticket(2, B));
        Assert.That(await room.SendAsync(1), Is.EqualTo(new long[] { 2 }));
        await room.RestedAsync();
        Assert.That((room.Stage.Status(A).State, room.Stage.IsExcused(A), room.Store.Claimed), Is.EqualTo((LaneState.TenantSuspended, true, 0)));

        room.Accounts.Swap(new(accounts, null));

        Assert.That(await room.SendAsync(1), Is.EqualTo(new long[] { 1 }));
    }

    [Test]
    public async Task Status_TenantAtItsShare_IsExcusedWithThatReasonAndANeighbourIsNot()
    {
        SmtpAccount[] accounts = [Account(A) with { Tenant = "mallory" }, Account(B) with { Tenant = "mallory" }, Account(C) with { Tenant = "victim" }];
        await using var room = new ScheduleRoom(new() { InFlight = 8 }, share: new(0.5, static () => true), accounts: accounts).Start();
        for (var i = 1; i <= 8; i++) room.Offer(Ticket(i, i % 2 == 0 ? A : B));
        var hanging = new List<DueMail>();
        for (var i = 0; i < 4; i++) hanging.Add(await room.NextAsync());
        room.Clock.Advance(TimeSpan.FromMinutes(2));
        await room.RestedAsync();

        var status = room.Stage.Status(A);
        Assert.That((room.TryNext(out _), status.State, room.Stage.IsExcused(A)), Is.EqualTo((false, LaneState.TenantAtShare, true)));
        Assert.That(status.Reason, Does.Contain("4 attempts").And.Contain("share is 4").And.Contain("Schedule:InFlight"));
        Assert.That((room.Stage.Status(C).State, room.Stage.IsExcused(C)), Is.EqualTo((LaneState.Ready, false)));

        room.Offer(Ticket(100, C));
        Assert.That((await room.NextAsync()).Ticket.Id, Is.EqualTo(100));
        foreach (var mail in hanging) room.Sent(mail);
        for (var i = 0; i < 4; i++) room.Sent(await room.NextAsync());
        await room.RestedAsync();
        Assert.That(room.Stage.Status(A).State, Is.Not.EqualTo(LaneState.Busy));
    }

    [Test]
    public async Task Status_AccountWithAllItMayHaveUnderWay_SaysSoAndIsNotExcused()
    {
        await using var room = new ScheduleRoom(accounts: [Account(A) with { MaxConnections = 1 }]).Start();
        for (var i = 1; i <= 3; i++) room.Offer(Ticket(i, A));
        await room.NextAsync();
        await room.NextAsync();
        await room.RestedAsync();
        room.Clock.Advance(TimeSpan.FromMinutes(2));

        Assert.That((room.Stage.Status(A).State, room.Stage.IsExcused(A)), Is.EqualTo((LaneState.Busy, false)));
        Assert.That(room.Stage.Status(A).Reason, Does.Contain("2 attempts").And.Contain("max_connections"));
    }

    [Test]
    public async Task Run_AccountGone_ItsLaneIsForgotten()
    {
        await using var room = new ScheduleRoom().Start();
        room.Offer(Ticket(1, A));
        room.Sent(await room.NextAsync());
        await room.RestedAsync();
        room.Accounts.Swap(new([Account(B)], null));
        await room.RestedAsync();

        Assert.That((room.Stage.Status(A).State, room.Stage.Lanes), Is.EqualTo((LaneState.UnknownAccount, 0)));
        room.Accounts.Swap(new([Account(A), Account(B)], null));
        room.Offer(Ticket(2, A));
        Assert.That((await room.NextAsync()).Ticket.Id, Is.EqualTo(2));
    }

    [Test]
    public async Task Run_UnknownAccount_WaitsForItWithAName()
    {
        await using var room = new ScheduleRoom(accounts: Account(A)).Start();
        room.Offer(Ticket(1, B));
        await room.RestedAsync();
        Assert.That((room.TryNext(out _), room.Stage.Status(B).State), Is.EqualTo((false, LaneState.UnknownAccount)));

        room.Accounts.Swap(new([Account(A), Account(B)], null));

        Assert.That(await room.SendAsync(1), Is.EqualTo(new long[] { 1 }));
    }

    [Test]
    public async Task StoreTrouble_UntilItIsOver_StandsStill()
    {
        await using var room = new ScheduleRoom().Start();
        room.Health.StoreTrouble = "disk full";
        room.Offer(Ticket(1, A));
        await room.RestedAsync();
        Assert.That((room.TryNext(out _), room.Stage.Status(A).State, room.Stage.Status(A).Reason), Is.EqualTo((false, LaneState.StoreTrouble, "disk full")));

        room.Health.StoreTrouble = null;

        Assert.That(await room.SendAsync(1), Is.EqualTo(new long[] { 1 }));
    }

    [Test]
    public async Task StoreUnavailable_OnARead_TriesAgainAfterASecond()
    {
        await using var room = new ScheduleRoom();
        room.Store.Add(Ticket(1, A));
        room.Store.Trouble = new StoreUnavailableException("locked");
        room.Start(lanes: [(A, 0)]);
        await room.RestedAsync();
        Assert.That((room.Store.Asked, room.Stage.Status(A).State), Is.EqualTo((1, LaneState.StoreTrouble)));

        room.Store.Trouble = null;
        room.Clock.Advance(TimeSpan.FromSeconds(1));

        Assert.That(await room.SendAsync(1), Is.EqualTo(new long[] { 1 }));
    }

    [Test]
    public async Task Claim_WhatNobodyForesaw_ItsLaneAloneAsksAgainInAMinute()
    {
        await using var room = new ScheduleRoom(accounts: [Account(A), Account(B)]);
        room.Store.Add(Ticket(1, A));
        room.Store.Trouble = new InvalidOperationException("a row that makes no sense");
        room.Start(lanes: [(A, 0)]);
        await room.RestedAsync();
        room.Offer(Ticket(2, B));
        Assert.That(await room.SendAsync(1), Is.EqualTo(new long[] { 2 }), "the others go on");

        room.Store.Trouble = null;
        await AdvanceAsync(room, TimeSpan.FromSeconds(61));

        Assert.That(await room.SendAsync(1), Is.EqualTo(new long[] { 1 }));
    }

    [Test]
    public async Task Expiry_WhenItComes_IsSweptInChunks()
    {
        await using var room = new ScheduleRoom();
        var now = room.Clock.Now;
        room.Store.Sweeps.Enqueue(new(256, now));
        room.Store.Sweeps.Enqueue(new(10, now + 90_000));
        room.Start(nextExpiry: now + 30_000);
        await room.RestedAsync();
        Assert.That(room.Store.Swept, Is.Zero);

        await AdvanceAsync(room, TimeSpan.FromSeconds(30));
        Assert.That(room.Store.Swept, Is.EqualTo(2));
        await AdvanceAsync(room, TimeSpan.FromSeconds(59));
        Assert.That(room.Store.Swept, Is.EqualTo(2));
        await AdvanceAsync(room, TimeSpan.FromSeconds(1));
        Assert.That(room.Store.Swept, Is.EqualTo(3));
    }

    [Test]
    public async Task ExpiryHint_Earlier_IsSweptThenAndLaterOnesAreKept()
    {
        await using var room = new ScheduleRoom();
        var now = room.Clock.Now;
        room.Start(nextExpiry: now + 40_000);
        await room.RestedAsync();
        room.Store.Sweeps.Enqueue(new(1, now + 40_000));
        room.Stage.ExpiryHint(now + 50_000);
        room.Stage.ExpiryHint(now + 10_000);
        await AdvanceAsync(room, TimeSpan.FromSeconds(10));
        Assert.That(room.Store.Swept, Is.EqualTo(1));
        await AdvanceAsync(room, TimeSpan.FromSeconds(30));
        Assert.That(room.Store.Swept, Is.EqualTo(2));
    }

    [Test]
    public async Task Expiry_NothingFoundThoughItWasTime_IsNotRepeatedAtOnce()
    {
        await using var room = new ScheduleRoom();
        room.Store.Sweeps.Enqueue(new(0, room.Clock.Now));
        room.Start(nextExpiry: room.Clock.Now);
        await room.RestedAsync();

        Assert.That(room.Store.Swept, Is.EqualTo(1));
    }

    [Test]
    public async Task Stop_WithTickets_GivesThemAllBack()
    {
        await using var room = new ScheduleRoom(room: 2);
        room.Store.Add([.. Enumerable.Range(1, 100).Select(i => Ticket(i, A))]);
        room.Start(lanes: [(A, 0)]);
        await room.NextAsync();
        await room.RestedAsync();
        Assert.That(room.Store.Claimed, Is.GreaterThan(3));

        await room.StopAsync();

        Assert.That(room.Store.Claimed, Is.InRange(1, 4)); // what is on its way
    }

    [Test]
    public async Task Run_NextClosed_Ends()
    {
        await using var room = new ScheduleRoom().Start();
        await room.RestedAsync();
        room.CloseNext();
        room.Offer(Ticket(1, A));

        await room.Running.WaitAsync(TimeSpan.FromSeconds(30));

        Assert.That(room.Store.Claimed, Is.Zero);
    }

    [Test]
    public async Task IsExcused_AMinuteAfterTheReasonEnded_IsNot()
    {
        await using var room = new ScheduleRoom().Start();
        room.Wake.Park(Down, room.Clock.Now + 5000);
        await room.RestedAsync();
        await AdvanceAsync(room, TimeSpan.FromSeconds(5));
        Assert.That(room.Stage.Status(A).State, Is.EqualTo(LaneState.Ready));
        Assert.That(room.Stage.IsExcused(A), Is.True);
        await AdvanceAsync(room, TimeSpan.FromSeconds(60));
        Assert.That(room.Stage.IsExcused(A), Is.False);
    }

    private static async Task AdvanceAsync(ScheduleRoom room, TimeSpan by)
    {
        await room.RestedAsync();
        room.Clock.Advance(by);
        await room.RestedAsync();
    }
}
