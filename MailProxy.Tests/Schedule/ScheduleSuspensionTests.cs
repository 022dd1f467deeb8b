using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Schedule;
using NUnit.Framework;
using static MailProxy.Tests.Schedule.Tickets;

namespace MailProxy.Tests.Schedule;

/// <summary>What a person may hold back and let go again, and how a lane that stands says why.</summary>
internal sealed class ScheduleSuspensionTests
{
    private static readonly AccountTrouble Down = new(Lanes.AccountOf(A), TroubleKind.Connect, null, null, "connection refused");

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

        Assert.That((bench.Stage.Status(A).State, bench.Stage.LaneCount), Is.EqualTo((LaneState.UnknownAccount, 0)));
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
