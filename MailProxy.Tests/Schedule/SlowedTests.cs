using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Schedule;
using NUnit.Framework;
using static MailProxy.Tests.Schedule.Tickets;

namespace MailProxy.Tests.Schedule;

/// <summary>An account whose provider asked for less.</summary>
internal sealed class SlowedTests
{
    private static readonly AccountTrouble Slow = new(Lanes.AccountOf(A), TroubleKind.Throttled, 454, "4.7.0", "rate exceeded")
    {
        Rule = "amazon-ses/sending-rate",
        Slow = new(null, 60, TimeSpan.FromMinutes(10)),
    };

    [Test]
    public async Task Slowed_OneASecond_AndSaysWhy()
    {
        await using var bench = new ScheduleBench(accounts: [Account(A), Account(B)]).Start();
        bench.Wake.Slow(Slow);
        for (var id = 1; id <= 3; id++)
            bench.Offer(Ticket(id, A));
        bench.Offer(Ticket(4, B));
        Assert.That(await bench.NextAsync(2), Is.EquivalentTo(new long[] { 1, 4 }));
        await bench.RestedAsync();

        var status = bench.Stage.Status(A);
        Assert.That((bench.TryNext(out _), status.State), Is.EqualTo((false, LaneState.Slowed)));
        Assert.That(status.Reason, Does.Contain("60 messages a minute (amazon-ses/sending-rate: rate exceeded)"));
        Assert.That(status.Until, Is.InRange(bench.Clock.Now + 1, bench.Clock.Now + 1_002));

        bench.Clock.Advance(TimeSpan.FromMilliseconds(1_002));
        Assert.That((await bench.NextAsync()).Ticket.Id, Is.EqualTo(2));
    }

    [Test]
    public async Task Slowed_PermitComesBack_CountsNot()
    {
        await using var bench = new ScheduleBench(accounts: [Account(A)]).Start();
        bench.Wake.Slow(Slow);
        bench.Offer(Ticket(1, A));
        var due = await bench.NextAsync();
        due.Permit.Dispose();
        due.Permit.Dispose();
        bench.Wake.SetAside(due.Ticket);
        bench.CameBack(due);
        bench.Offer(Ticket(2, A));
        Assert.That((await bench.NextAsync()).Ticket.Id, Is.EqualTo(2));
        bench.Offer(Ticket(3, A));
        await bench.RestedAsync();
        Assert.That(bench.TryNext(out _), Is.False, "and once only");
        bench.Wake.Return(due.Ticket);
        await bench.RestedAsync();
    }

    [Test]
    public async Task Slowed_MailThatFailsAtALimit_WaitsAllTheSame()
    {
        var limits = new AccountLimits(PerHour: 1000, WhenReached: LimitReached.Fail);
        await using var bench = new ScheduleBench(accounts: [Account(A, limits)]).Start();
        bench.Wake.Slow(Slow);
        bench.Offer(Ticket(1, A));
        bench.Offer(Ticket(2, A));
        await bench.NextAsync();
        await bench.RestedAsync();

        Assert.That((bench.TryNext(out _), bench.Stage.Status(A).State), Is.EqualTo((false, LaneState.Slowed)));
    }

    [Test]
    public async Task Slowed_AccountChangedOrGone_IsForgotten([Values] bool gone)
    {
        await using var bench = new ScheduleBench(accounts: [Account(A), Account(B)]).Start();
        bench.Wake.Slow(Slow);
        await bench.RestedAsync();
        Assert.That(bench.Adapted.Of(Lanes.AccountOf(A)), Is.Not.Null);

        bench.Accounts.Swap(gone ? new([Account(B)], null) : new([Account(A, version: 2), Account(B)], null));
        await bench.RestedAsync();

        Assert.That(bench.Adapted.Of(Lanes.AccountOf(A)), Is.Null);
    }

    [Test]
    public async Task Slowed_Reset_GoesAtOnce()
    {
        await using var bench = new ScheduleBench(accounts: [Account(A)]).Start();
        bench.Wake.Slow(Slow);
        for (var id = 1; id <= 3; id++)
            bench.Offer(Ticket(id, A));
        await bench.NextAsync();
        await bench.RestedAsync();
        var shown = bench.Adapted.Of(Lanes.AccountOf(A))!;
        Assert.That((shown.PerMinute, shown.Ceiling, shown.Since), Is.EqualTo((60.0, 60.0, bench.Clock.Now)));

        Assert.That(bench.Adapted.Reset(Lanes.AccountOf(A)), Is.True);
        bench.Wake.Hurry(Lanes.AccountOf(A));

        Assert.That(await bench.NextAsync(2), Is.EqualTo(new long[] { 2, 3 }));
    }

    [Test]
    public async Task Slowed_OfAPool_TheRestGoesByTheNextAccount()
    {
        var pool = new Pool
        {
            Key = new(1),
            Tenant = "default",
            Id = "both",
            Version = 1,
            Strategy = PoolStrategy.Failover,
            Accounts = [new("account-1"), new("account-2")],
        };
        await using var bench = new ScheduleBench(accounts: [Account(A), Account(B)]);
        bench.Accounts.Swap(new([Account(A), Account(B)], null, null, new([pool])));
        bench.Start();
        bench.Wake.Slow(Slow);
        await bench.RestedAsync();
        for (var id = 1; id <= 3; id++)
            bench.Offer(Ticket(id, Lanes.Of(pool.Key)));
        var by = new List<AccountKey>();
        for (var i = 0; i < 3; i++)
            by.Add((await bench.NextAsync()).Account);

        Assert.That(by, Is.EqualTo(new[] { Lanes.AccountOf(A), Lanes.AccountOf(B), Lanes.AccountOf(B) }));
    }

    [Test]
    public async Task Slowed_ByAShare_IsOfWhatWent()
    {
        await using var bench = new ScheduleBench(accounts: [Account(A)]).Start();
        for (var id = 1; id <= 10; id++)
            bench.Offer(Ticket(id, A));
        await bench.SendAsync(10);

        bench.Wake.Slow(Slow with { Slow = new(0.5, null, null) });
        await bench.RestedAsync();

        Assert.That(bench.Adapted.Of(Lanes.AccountOf(A))!.PerMinute, Is.EqualTo(300), "ten in a second");
    }
}
