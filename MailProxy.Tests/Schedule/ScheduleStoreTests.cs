using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Schedule;
using NUnit.Framework;
using static MailProxy.Tests.Schedule.Tickets;

namespace MailProxy.Tests.Schedule;

/// <summary>What the scheduler asks of a store that fails, and how it sweeps what has expired.</summary>
internal sealed class ScheduleStoreTests
{
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

    private static async Task AdvanceAsync(ScheduleBench bench, TimeSpan by)
    {
        await bench.RestedAsync();
        bench.Clock.Advance(by);
        await bench.RestedAsync();
    }
}
