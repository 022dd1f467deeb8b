using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Schedule;
using NUnit.Framework;
using static MailProxy.Tests.Schedule.Tickets;

namespace MailProxy.Tests.Schedule;

/// <summary>What the scheduler does with an account that has reached a limit, and when it looks again.</summary>
internal sealed class ScheduleLimitTests
{
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
        Assert.That(bench.Metrics.PermitsRefused.WithLabels("default", "account-1", "account").Value, Is.EqualTo(1));
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
    public async Task Limit_ImmediateBehindABacklog_GoesWithTheNextPermit()
    {
        await using var bench = new ScheduleBench(accounts: Account(A, new(PerSecond: 50, Burst: 1))).Start();
        for (var id = 1; id <= 2000; id++)
            bench.Offer(Ticket(id, A, Priority.Low, batch: "large"));
        for (var i = 0; i < 20; i++)
        {
            await bench.SendAsync(1);
            await bench.RestedAsync();
            bench.Clock.Advance(TimeSpan.FromMilliseconds(21));
        }

        await bench.RestedAsync();
        while (bench.TryTake(out var before))
            bench.Sent(before);
        var posted = bench.Clock.Now;
        bench.Offer(Ticket(9999, A, Priority.Immediate));
        await bench.RestedAsync();
        var sent = new List<long>();
        while (!sent.Contains(9999) && bench.Clock.Now - posted < 1000)
        {
            bench.Clock.Advance(TimeSpan.FromMilliseconds(10));
            await bench.RestedAsync();
            while (bench.TryTake(out var due))
            {
                sent.Add(due.Ticket.Id);
                bench.Sent(due);
            }
        }

        Assert.That((sent, bench.Clock.Now - posted < 100), Is.EqualTo((new List<long> { 9999 }, true)));
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
        Assert.That(bench.Metrics.PermitsRefused.WithLabels("", "", "installation").Value, Is.EqualTo(1));

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
            Is.EqualTo((2L, false, "A limit is reached and mail does not wait for it: the account used 1 of 1 per hour."))
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
    public async Task Limit_PermitGivenBack_WakesWhoseItWasAndAsksForNobodyElse()
    {
        await using var bench = new ScheduleBench(
            accounts: [Account(A, new(PerDay: 1)), Account(B, new(PerDay: 1)), Account(C, new(PerDay: 1))]
        ).Start();
        var first = new Dictionary<LaneKey, DueMail>();
        foreach (var (lane, id) in new[] { (A, 1L), (B, 2L), (C, 3L) })
        {
            bench.Offer(Ticket(id, lane));
            first[lane] = await bench.NextAsync();
            bench.Offer(Ticket(id + 10, lane));
        }

        await bench.RestedAsync();
        Assert.That(Refused(A, B, C), Is.EqualTo(3), "each lane has been refused once");

        first[B].Permit.Dispose();
        bench.Wake.Done(first[B].Ticket);

        Assert.That((await bench.NextAsync()).Ticket.Lane, Is.EqualTo(B));
        await bench.RestedAsync();
        Assert.That(Refused(A, C), Is.EqualTo(2), "nobody else has asked");

        double Refused(params LaneKey[] lanes) =>
            lanes.Sum(lane => bench.Metrics.PermitsRefused.WithLabels("default", $"account-{lane.Number}", "account").Value);
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
        bench.Start(uses: [new(LimitKey.Of(Lanes.AccountOf(A)), 3600, bench.Clock.Now - 3_000_000, 5)]);
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

    private static async Task AdvanceAsync(ScheduleBench bench, TimeSpan by)
    {
        await bench.RestedAsync();
        bench.Clock.Advance(by);
        await bench.RestedAsync();
    }
}
