using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Schedule;
using NUnit.Framework;
using static MailProxy.Tests.Schedule.Tickets;

namespace MailProxy.Tests.Schedule;

/// <summary>The mail of a pool that an account has no room for, with the real loop: it goes by another, and holds up none.</summary>
internal sealed class PassedOverTests
{
    private static readonly LaneKey PoolLane = Lanes.Of(new PoolKey(9));
    private static readonly AccountKey First = Lanes.AccountOf(A),
        Second = Lanes.AccountOf(B);

    private static ScheduleBench Bench(params SmtpAccount[] accounts) => Bench(PoolStrategy.Failover, accounts);

    private static ScheduleBench Bench(PoolStrategy strategy, params SmtpAccount[] accounts)
    {
        var bench = new ScheduleBench(accounts: accounts);
        bench.Accounts.Swap(
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
            )
        );
        return bench;
    }

    // The first has no room for it.
    private static async Task PassOverAsync(ScheduleBench bench, long id, long milliseconds = 30_000)
    {
        bench.Offer(Ticket(id, PoolLane));
        var due = await bench.NextAsync();
        Assert.That((due.Account, due.Ticket.Id), Is.EqualTo((First, id)));
        due.Permit.Dispose();
        bench.CameBack(due);
        bench.Wake.Return(due.Ticket with { Passed = new(First, [(First, bench.Clock.Now + milliseconds)], 1) });
    }

    [Test]
    public async Task PassedOver_GoesByTheNextAndBeforeWhatCameLater([Values] PoolStrategy strategy)
    {
        await using var bench = Bench(strategy, Account(A), Account(B)).Start();
        await PassOverAsync(bench, 1);
        var due = await bench.NextAsync();
        Assert.That((due.Account, due.Ticket.Id, due.Ticket.Attempt), Is.EqualTo((Second, 1L, 0)));
        bench.Sent(due);

        bench.Offer(Ticket(2, PoolLane));
        due = await bench.NextAsync();
        Assert.That(due.Account, Is.EqualTo(First), "it is passed over for that mail only");
        bench.Sent(due);
    }

    [Test]
    public async Task NobodyElseCan_ItIsPutOffAndTheOthersGo()
    {
        await using var bench = Bench(Account(A), Account(B) with { Paused = true }).Start();
        await PassOverAsync(bench, 1);

        var due = await bench.NextAsync();
        Assert.That((due.Ticket.Id, due.Permit.IsAcquired, due.Permit.Refusal), Is.EqualTo((1L, false, (string?)null)));
        Assert.That(((PutOffPermit)due.Permit).Until, Is.Null, "until the first has room");
        bench.Offer(Ticket(2, PoolLane));
        var other = await bench.NextAsync();
        Assert.That((other.Account, other.Ticket.Id), Is.EqualTo((First, 2L)));
        bench.Sent(other);
        bench.Store.Remove(due.Ticket);
        bench.Wake.Done(due.Ticket);
        bench.CameBack(due);
    }

    [Test]
    public async Task TheOtherIsAtItsLimit_EachIsPutOffToItsTurnThere()
    {
        await using var bench = Bench(Account(A), Account(B, new(PerMinute: 6, Burst: 1))).Start();
        bench.Offer(Ticket(99, B));
        bench.Sent(await bench.NextAsync());
        var turns = new List<long>();
        for (var id = 1; id <= 3; id++)
        {
            await PassOverAsync(bench, id, milliseconds: 3_600_000);
            var due = await bench.NextAsync();
            turns.Add(((PutOffPermit)due.Permit).Until!.Value - bench.Clock.Now);
            bench.Store.Remove(due.Ticket);
            bench.Wake.Done(due.Ticket);
            bench.CameBack(due);
        }

        Assert.That(turns[0], Is.InRange(9_000, 11_000));
        Assert.That((turns[1] - turns[0], turns[2] - turns[1]), Is.EqualTo((10_084L, 10_084L)), "one behind the other");
    }

    [Test]
    public async Task TheOtherIsBusy_ItStandsByAndTheOthersGo()
    {
        await using var bench = Bench(Account(A), Account(B) with { MaxConnections = 1 }).Start();
        bench.Offer(Ticket(98, B));
        bench.Offer(Ticket(99, B));
        var (one, two) = (await bench.NextAsync(), await bench.NextAsync());
        await PassOverAsync(bench, 1);
        await bench.RestedAsync();
        Assert.That(bench.TryNext(out _), Is.False, "it waits for the second");

        bench.Offer(Ticket(2, PoolLane));
        var other = await bench.NextAsync();
        Assert.That((other.Account, other.Ticket.Id), Is.EqualTo((First, 2L)));
        bench.Sent(other);
        bench.Sent(one);
        var due = await bench.NextAsync();
        Assert.That((due.Account, due.Ticket.Id), Is.EqualTo((Second, 1L)));
        bench.Sent(due);
        bench.Sent(two);
    }

    [Test]
    public async Task StandingBy_TheFirstHasRoomAgain_ItGoesByThat()
    {
        await using var bench = Bench(Account(A), Account(B) with { MaxConnections = 1 }).Start();
        bench.Offer(Ticket(98, B));
        bench.Offer(Ticket(99, B));
        var (one, two) = (await bench.NextAsync(), await bench.NextAsync());
        await PassOverAsync(bench, 1, milliseconds: 500);
        await bench.RestedAsync();
        Assert.That(bench.TryNext(out _), Is.False);

        bench.Clock.Advance(TimeSpan.FromSeconds(1));
        var due = await bench.NextAsync();
        Assert.That((due.Account, due.Ticket.Id), Is.EqualTo((First, 1L)));
        bench.Sent(due);
        bench.Sent(one);
        bench.Sent(two);
    }

    [Test]
    public async Task StandingBy_MoreThanAFew_TheRestIsPutOff()
    {
        await using var bench = Bench(Account(A), Account(B) with { MaxConnections = 1 }).Start();
        bench.Offer(Ticket(998, B));
        bench.Offer(Ticket(999, B));
        var (one, two) = (await bench.NextAsync(), await bench.NextAsync());
        var putOff = new List<DueMail>();
        for (var id = 1; id <= 40; id++)
        {
            await PassOverAsync(bench, id);
            await bench.RestedAsync();
            if (bench.TryTake(out var due))
                putOff.Add(due);
        }

        Assert.That(putOff, Has.Count.EqualTo(8));
        Assert.That(putOff.Select(static due => due.Permit), Is.All.InstanceOf<PutOffPermit>());
        Assert.That(
            putOff.Select(due => ((PutOffPermit)due.Permit).Until!.Value - bench.Clock.Now),
            Is.Ordered.Ascending.And.Unique.And.All.InRange(1_000, 10_000)
        );
        foreach (var due in putOff)
        {
            bench.Store.Remove(due.Ticket);
            bench.Wake.Done(due.Ticket);
            bench.CameBack(due);
        }

        bench.Sent(one);
        bench.Sent(two);
        Assert.That(await bench.SendAsync(32), Is.EquivalentTo(Enumerable.Range(1, 32)));
    }

    [Test]
    public async Task StandingBy_TheTenantIsSuspendedOrThePoolIsGone_ItIsLetGo([Values] bool gone)
    {
        await using var bench = Bench(Account(A), Account(B) with { MaxConnections = 1 }).Start();
        bench.Offer(Ticket(98, B));
        bench.Offer(Ticket(99, B));
        var (one, two) = (await bench.NextAsync(), await bench.NextAsync());
        await PassOverAsync(bench, 1);
        await bench.RestedAsync();

        var directory = bench.Accounts.Directory;
        bench.Accounts.Swap(
            gone
                ? new(directory.All, null)
                : new(directory.All.Select(static account => account with { Paused = true, Version = 2 }), null, null, directory.Pools)
        );
        await bench.RestedAsync();

        Assert.That(bench.Store.Claimed, Is.EqualTo(2), "those under way");
        bench.Sent(one);
        bench.Sent(two);
    }

    [Test]
    public void Return_Weighted_TheAccountIsNotChargedForIt()
    {
        PoolCandidate[] all = [.. Enumerable.Range(1, 2).Select(static n => new PoolCandidate(Account(new(n)), n, new(new LaneKey(n))))];
        PoolCandidate Next() => PoolRouter.Choose(PoolStrategy.Weighted, all, static _ => CandidateState.Usable)!;
        var taken = all.ToDictionary(static one => one, static _ => 0);
        for (var i = 0; i < 300; i++)
        {
            var chosen = Next();
            if (i % 3 == 0)
                PoolRouter.Return(all, chosen.Account.Key);
            else
                taken[chosen]++;
        }

        Assert.That((taken[all[0]], taken[all[1]]), Is.EqualTo((67, 133)).Or.EqualTo((66, 134)));
        for (var i = 0; i < 1_000; i++)
            PoolRouter.Return(all, all[0].Account.Key);
        Assert.That(all.Select(static one => Math.Abs(one.Behind)), Is.All.LessThanOrEqualTo(3), "it stays bounded");
    }
}
