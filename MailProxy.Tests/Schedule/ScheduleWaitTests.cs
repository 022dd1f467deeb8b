using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Schedule;
using NUnit.Framework;
using static MailProxy.Tests.Schedule.Tickets;

namespace MailProxy.Tests.Schedule;

/// <summary>Mail that waits: its account backs off, it was set aside, or its attempt was deferred.</summary>
internal sealed class ScheduleWaitTests
{
    private static readonly AccountTrouble Down = new(Lanes.AccountOf(A), TroubleKind.Connect, null, null, "connection refused");

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
            Is.EqualTo(
                (
                    LaneState.BackingOff,
                    (long?)bench.Clock.Now + 30_000,
                    "the circuit is open (connection): connection refused; then one message tries it"
                )
            )
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

        bench.Wake.Unpark(Lanes.AccountOf(A));

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
}
