using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Schedule;
using NUnit.Framework;
using static MailProxy.Tests.Schedule.Tickets;

namespace MailProxy.Tests.Schedule;

/// <summary>The mail of a pool, with the real loop: it goes by an account that can, and waits only while none can.</summary>
internal sealed class PoolScheduleTests
{
    private static readonly LaneKey PoolLane = Lanes.Of(new PoolKey(9));
    private static readonly AccountKey First = Lanes.AccountOf(A),
        Second = Lanes.AccountOf(B);

    private static ScheduleBench Bench(PoolStrategy strategy, params SmtpAccount[] accounts)
    {
        var bench = new ScheduleBench(accounts: accounts);
        bench.Accounts.Swap(Directory(strategy, accounts));
        return bench;
    }

    private static AccountDirectory Directory(PoolStrategy strategy, params SmtpAccount[] accounts) =>
        new(
            accounts,
            null,
            null,
            new([
                new()
                {
                    Key = new(9),
                    Tenant = "default",
                    Id = "both",
                    Version = 1,
                    Strategy = strategy,
                    Accounts = [.. accounts.Select(static account => new PoolMember(account.Id))],
                },
            ])
        );

    private static AccountTrouble Down(AccountKey account) => new(account, TroubleKind.Connect, null, null, "connection refused");

    private static void Offer(ScheduleBench bench, int count, int from = 1)
    {
        for (var id = from; id < from + count; id++)
            bench.Offer(Ticket(id, PoolLane));
    }

    [Test]
    public async Task Failover_TheFirstBacksOff_TheSecondTakesItAndTheFirstComesBack()
    {
        await using var bench = Bench(PoolStrategy.Failover, Account(A), Account(B)).Start();
        Offer(bench, 1);
        var due = await bench.NextAsync();
        Assert.That(due.Account, Is.EqualTo(First));
        bench.Sent(due);

        bench.Wake.Park(Down(First), bench.Clock.Now + 30_000);
        await bench.RestedAsync();
        Offer(bench, 1, from: 2);
        due = await bench.NextAsync();
        Assert.That(due.Account, Is.EqualTo(Second));
        bench.Sent(due);

        bench.Wake.Unpark(First);
        await bench.RestedAsync();
        Offer(bench, 1, from: 3);
        due = await bench.NextAsync();
        Assert.That(due.Account, Is.EqualTo(First));
        bench.Sent(due);
    }

    [Test]
    public async Task LimitOfAnAccountThatPoolsShare_ItsLanesTakeTurns()
    {
        SmtpAccount account = Account(A, new(PerSecond: 10, Burst: 1));
        PoolKey[] keys = [new(8), new(9)];
        await using var bench = new ScheduleBench(accounts: account);
        bench.Accounts.Swap(
            new(
                [account],
                null,
                null,
                new(
                    keys.Select(key => new Pool
                    {
                        Key = key,
                        Tenant = "default",
                        Id = $"pool-{key.Number}",
                        Version = 1,
                        Strategy = PoolStrategy.Failover,
                        Accounts = [new(account.Id)],
                    })
                )
            )
        );
        bench.Start();
        LaneKey[] lanes = [A, .. keys.Select(Lanes.Of)];
        for (var id = 1; id <= 90; id++)
            bench.Offer(Ticket(id, lanes[id % 3]));

        var sent = new Dictionary<LaneKey, int>();
        for (var turn = 0; turn < 400 && sent.Values.Sum() < 45; turn++)
        {
            await bench.RestedAsync();
            while (bench.TryTake(out var due))
            {
                sent[due.Ticket.Lane] = sent.GetValueOrDefault(due.Ticket.Lane) + 1;
                bench.Sent(due);
                await bench.RestedAsync();
            }

            bench.Clock.Advance(TimeSpan.FromMilliseconds(21));
        }

        Assert.That(sent, Has.Count.EqualTo(3));
        Assert.That(sent.Values, Is.All.InRange(13, 17));
    }

    [Test]
    public async Task AllDown_ItWaitsForTheFirstThatComesBackAndSaysWhy()
    {
        await using var bench = Bench(PoolStrategy.Failover, Account(A), Account(B)).Start();
        bench.Wake.Park(Down(First), bench.Clock.Now + 30_000);
        bench.Wake.Park(Down(Second), bench.Clock.Now + 10_000);
        await bench.RestedAsync();
        Offer(bench, 1);
        await bench.RestedAsync();

        var status = bench.Stage.Status(PoolLane);
        Assert.That((status.State, status.Until), Is.EqualTo((LaneState.PoolWaits, (long?)bench.Clock.Now + 10_000)));
        Assert.That(
            status.Reason,
            Does.Contain("account-1: the circuit is open (connection): connection refused").And.Contain("account-2")
        );
        Assert.That(bench.Stage.IsExcused(PoolLane), Is.True);

        bench.Clock.Advance(TimeSpan.FromSeconds(10));
        var due = await bench.NextAsync();
        Assert.That(due.Account, Is.EqualTo(Second));
        bench.Sent(due);
    }

    [Test]
    public async Task Overflow_FillsTheFirstToItsLimitAndGoesOnWithTheNext()
    {
        await using var bench = Bench(PoolStrategy.Overflow, Account(A, new(PerHour: 3)), Account(B)).Start();
        Offer(bench, 5);
        var by = new List<AccountKey>();
        for (var i = 0; i < 5; i++)
        {
            var due = await bench.NextAsync();
            by.Add(due.Account);
            bench.Sent(due);
        }

        Assert.That(by, Is.EqualTo([First, First, First, Second, Second]));
    }

    [Test]
    public async Task Overflow_TheFirstIsBusy_TheNextTakesIt()
    {
        await using var bench = Bench(PoolStrategy.Overflow, Account(A) with { MaxConnections = 1 }, Account(B)).Start();
        Offer(bench, 3);
        var all = new[] { await bench.NextAsync(), await bench.NextAsync(), await bench.NextAsync() };
        Assert.That(all.Select(static due => due.Account), Is.EqualTo([First, First, Second]));
        foreach (var due in all)
            bench.Sent(due);
    }

    [Test]
    public async Task Failover_TheFirstIsBusy_ItIsWaitedFor()
    {
        await using var bench = Bench(PoolStrategy.Failover, Account(A) with { MaxConnections = 1 }, Account(B)).Start();
        Offer(bench, 3);
        var (one, two) = (await bench.NextAsync(), await bench.NextAsync());
        await bench.RestedAsync();
        Assert.That(bench.TryNext(out _), Is.False);

        bench.Sent(one);
        var three = await bench.NextAsync();
        Assert.That(new[] { one, two, three }.Select(static due => due.Account), Is.All.EqualTo(First));
        bench.Sent(two);
        bench.Sent(three);
    }

    [Test]
    public async Task AccountsOwnMail_AndThePools_ShareItsConnections()
    {
        await using var bench = Bench(PoolStrategy.Failover, Account(A) with { MaxConnections = 1 }).Start();
        Offer(bench, 1);
        var pooled = await bench.NextAsync();
        bench.Offer(Ticket(2, A));
        bench.Offer(Ticket(3, A));
        var own = await bench.NextAsync();
        await bench.RestedAsync();
        Assert.That(bench.TryNext(out _), Is.False, "two are under way");
        bench.Sent(pooled);
        var last = await bench.NextAsync();
        bench.Sent(own);
        bench.Sent(last);
    }

    [Test]
    public async Task AccountWhoseMailFailsAtItsLimit_IsPassedOver_AndItsOwnMailStillFails()
    {
        var limits = new AccountLimits(PerHour: 1, WhenReached: LimitReached.Fail);
        await using var bench = Bench(PoolStrategy.Failover, Account(A, limits), Account(B)).Start();
        Offer(bench, 2);
        var (one, two) = (await bench.NextAsync(), await bench.NextAsync());
        Assert.That((one.Account, two.Account), Is.EqualTo((First, Second)));
        bench.Sent(one);
        bench.Sent(two);

        bench.Offer(Ticket(3, A));
        var own = await bench.NextAsync();
        Assert.That((own.Account, own.Permit.IsAcquired, own.Permit.RefusalStatus), Is.EqualTo((First, false, "5.7.28")));
    }

    [Test]
    public async Task AllWouldFailAtTheirLimit_ThePoolWaits()
    {
        var limits = new AccountLimits(PerHour: 1, WhenReached: LimitReached.Fail);
        await using var bench = Bench(PoolStrategy.Failover, Account(A, limits)).Start();
        Offer(bench, 2);
        bench.Sent(await bench.NextAsync());
        await bench.RestedAsync();
        Assert.That((bench.TryNext(out _), bench.Stage.Status(PoolLane).State), Is.EqualTo((false, LaneState.PoolWaits)));
        Assert.That(bench.Stage.Status(PoolLane).Reason, Does.Contain("used 1 of 1 per hour"));
    }

    [Test]
    public async Task NotBy_LeavesThatAccountOut_AndWithoutAnyItIsRefused()
    {
        await using var bench = Bench(PoolStrategy.Failover, Account(A), Account(B)).Start();
        bench.Offer(Ticket(1, PoolLane) with { NotBy = "account-1" });
        bench.Offer(Ticket(2, PoolLane) with { NotBy = "account-1,account-2" });
        var due = await bench.NextAsync();
        Assert.That((due.Account, due.Permit.IsAcquired), Is.EqualTo((Second, true)));
        bench.Sent(due);
        due = await bench.NextAsync();
        Assert.That((due.Permit.IsAcquired, due.Permit.RefusalStatus), Is.EqualTo((false, "5.7.1")));
        Assert.That(due.Permit.Refusal, Does.Contain("pool 'both'"));
    }

    [Test]
    public async Task PoolChanges_WhileItsMailWaits_TheNewAccountsTakeIt()
    {
        await using var bench = Bench(PoolStrategy.Failover, Account(A) with { Paused = true }).Start();
        Offer(bench, 1);
        await bench.RestedAsync();
        Assert.That((bench.TryNext(out _), bench.Stage.Status(PoolLane).State), Is.EqualTo((false, LaneState.PoolWaits)));

        bench.Store.Add(Ticket(1, PoolLane));
        bench.Accounts.Swap(Directory(PoolStrategy.Failover, Account(A) with { Paused = true, Version = 2 }, Account(B)));

        var due = await bench.NextAsync();
        Assert.That(due.Account, Is.EqualTo(Second));
        bench.Sent(due);
    }

    [Test]
    public async Task PoolIsDeleted_ItsMailInMemoryIsLetGo()
    {
        await using var bench = Bench(PoolStrategy.Failover, Account(A)).Start();
        bench.Wake.Park(Down(First), bench.Clock.Now + 30_000);
        await bench.RestedAsync();
        Offer(bench, 1);
        await bench.RestedAsync();

        bench.Accounts.Swap(new([Account(A)], null));
        await bench.RestedAsync();

        Assert.That((bench.Store.Claimed, bench.Stage.Status(PoolLane).State), Is.EqualTo((0, LaneState.UnknownAccount)));
    }
}
