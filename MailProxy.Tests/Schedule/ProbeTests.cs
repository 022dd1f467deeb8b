using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Schedule;
using NUnit.Framework;
using static MailProxy.Tests.Schedule.Tickets;

namespace MailProxy.Tests.Schedule;

/// <summary>When the time of an open circuit is over, one mail tries the account.</summary>
internal sealed class ProbeTests
{
    private static readonly AccountTrouble Down = new(Lanes.AccountOf(A), TroubleKind.Connect, null, null, "connection refused");
    private static readonly LaneKey P = Lanes.Of(new PoolKey(1));

    [Test]
    public async Task Probe_UnderWay_IsTheOnlyOne()
    {
        await using var bench = await HalfOpenAsync(3);
        var probe = await bench.NextAsync();
        await bench.RestedAsync();

        Assert.That((probe.IsProbe, bench.TryNext(out _)), Is.EqualTo((true, false)));
        Assert.That(bench.Stage.Status(A).State, Is.EqualTo(LaneState.Probed));
        Assert.That(bench.Stage.IsExcused(A), "it is known why it waits");
    }

    [Test]
    public async Task Probe_Succeeds_LetsAllGo()
    {
        await using var bench = await HalfOpenAsync(4);
        var probe = await bench.NextAsync();

        bench.Wake.Unpark(Lanes.AccountOf(A));
        bench.Sent(probe);

        var others = new[] { await bench.NextAsync(), await bench.NextAsync(), await bench.NextAsync() };
        Assert.That(others.Select(static due => due.IsProbe), Is.All.False);
    }

    [Test]
    public async Task Probe_Fails_OpensForLonger()
    {
        await using var bench = await HalfOpenAsync(2);
        var probe = await bench.NextAsync();

        bench.Wake.Park(Down, bench.Clock.Now + 60_000);
        Back(bench, probe);
        await bench.RestedAsync();
        Assert.That((bench.TryNext(out _), bench.Stage.Status(A).State), Is.EqualTo((false, LaneState.BackingOff)));

        bench.Clock.Advance(TimeSpan.FromSeconds(60));
        Assert.That((await bench.NextAsync()).IsProbe, Is.True);
        await bench.RestedAsync();
        Assert.That(bench.TryNext(out _), Is.False);
    }

    [TestCase("cancelled")]
    [TestCase("set aside")]
    [TestCase("returned")]
    public async Task Probe_EndsWithoutNews_AnotherTries(string end)
    {
        await using var bench = await HalfOpenAsync(2);
        var probe = await bench.NextAsync();
        probe.Permit.Dispose();
        switch (end)
        {
            case "cancelled":
                bench.Store.Remove(probe.Ticket);
                bench.Wake.Done(probe.Ticket);
                bench.CameBack(probe);
                break;
            case "set aside":
                bench.Wake.SetAside(probe.Ticket);
                bench.CameBack(probe);
                break;
            default:
                bench.Wake.Return(probe.Ticket);
                break;
        }

        Assert.That((await bench.NextAsync()).IsProbe, Is.True);
        await bench.RestedAsync();
        Assert.That(bench.TryNext(out _), Is.False);
        if (end == "set aside")
            bench.Wake.Return(probe.Ticket);
        await bench.RestedAsync();
        Assert.That(bench.TryNext(out _), Is.False, "it is a mail as the others are now");
    }

    [Test]
    public async Task Probe_OutstandingWhileTheCircuitOpensAndEndsAgain_StaysTheOnlyOne()
    {
        await using var bench = await HalfOpenAsync(2);
        await bench.NextAsync();
        bench.Wake.Unpark(Lanes.AccountOf(A));
        var second = await bench.NextAsync();
        bench.Wake.Park(Down, bench.Clock.Now + 1_000);
        bench.Offer(Ticket(3, A));
        await bench.RestedAsync();
        bench.Clock.Advance(TimeSpan.FromSeconds(2));
        await bench.RestedAsync();

        Assert.That(second.IsProbe, Is.False);
        Assert.That((bench.TryNext(out _), bench.Stage.Status(A).State), Is.EqualTo((false, LaneState.Probed)), "the first still tries it");
    }

    [Test]
    public async Task RunNow_Open_TriesOneAtOnce()
    {
        await using var bench = await OpenAsync(2);
        bench.Stage.RunNow();

        Assert.That((await bench.NextAsync()).IsProbe, Is.True);
        await bench.RestedAsync();
        Assert.That(bench.TryNext(out _), Is.False);
    }

    [Test]
    public async Task MailThatWasUnderWay_HoldsUpNoProbe()
    {
        await using var bench = new ScheduleBench(accounts: [Account(A) with { MaxConnections = 2 }]).Start();
        bench.Offer(Ticket(1, A));
        await bench.NextAsync();
        bench.Wake.Park(Down, bench.Clock.Now + 1_000);
        bench.Offer(Ticket(2, A));
        await bench.RestedAsync();
        bench.Clock.Advance(TimeSpan.FromSeconds(2));

        Assert.That((await bench.NextAsync()).IsProbe, Is.True, "it waits perhaps for minutes");
    }

    [TestCase(PoolStrategy.Failover)]
    [TestCase(PoolStrategy.Overflow)]
    [TestCase(PoolStrategy.Weighted)]
    public async Task OfAPool_OneTriesTheAccountAndTheOthersGoByTheNext(PoolStrategy strategy)
    {
        await using var bench = new ScheduleBench(accounts: [Account(A), Account(B)]);
        var pool = new Pool
        {
            Key = new(1),
            Tenant = "default",
            Id = "both",
            Version = 1,
            Strategy = strategy,
            Accounts = [new("account-1"), new("account-2")],
        };
        bench.Accounts.Swap(new([Account(A), Account(B)], null, null, new([pool])));
        bench.Start();
        bench.Wake.Park(Down, bench.Clock.Now + 1_000);
        await bench.RestedAsync();
        bench.Clock.Advance(TimeSpan.FromSeconds(2));
        for (var id = 1; id <= 4; id++)
            bench.Offer(Ticket(id, P));
        var went = new List<DueMail>();
        for (var i = 0; i < 4; i++)
            went.Add(await bench.NextAsync());

        Assert.That(
            went.Where(static due => due.Account == Lanes.AccountOf(A)).Select(static due => due.IsProbe),
            Is.EqualTo(new[] { true })
        );
        Assert.That(went.Where(static due => due.Account == Lanes.AccountOf(B)).Select(static due => due.IsProbe), Is.All.False);
    }

    private static void Back(ScheduleBench bench, DueMail due)
    {
        due.Permit.Dispose();
        var again = due.Ticket with { Attempt = due.Ticket.Attempt + 1 };
        bench.Store.Remove(due.Ticket);
        bench.Store.Add(again);
        bench.Wake.Done(due.Ticket);
        bench.Wake.Due(again.Lane, 0);
    }

    private static async Task<ScheduleBench> OpenAsync(int mails)
    {
        var bench = new ScheduleBench().Start();
        bench.Wake.Park(Down, bench.Clock.Now + 5_000);
        for (var id = 1; id <= mails; id++)
            bench.Offer(Ticket(id, A));
        await bench.RestedAsync();
        Assert.That(bench.TryNext(out _), Is.False);
        return bench;
    }

    private static async Task<ScheduleBench> HalfOpenAsync(int mails)
    {
        var bench = await OpenAsync(mails);
        bench.Clock.Advance(TimeSpan.FromSeconds(5));
        return bench;
    }
}
