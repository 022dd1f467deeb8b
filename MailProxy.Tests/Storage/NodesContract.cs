using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage.Nodes;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

/// <summary>What a node that is alone finds, whether there could be others or not.</summary>
[TestOf(typeof(INodes))]
[TestFixture(typeof(SqliteBench))]
[TestFixture(typeof(PostgresBench))]
internal sealed class NodesContract<TBench> : MessageStoreContract<TBench>
    where TBench : StoreBench, new()
{
    private static readonly LaneKey[] Both = [Lanes.Of(new AccountKey(1)), Lanes.Of(new AccountKey(2))];

    private INodes Nodes => Bench.Nodes;

    private static LaneUnits Units()
    {
        SmtpAccount[] accounts =
        [
            .. new[] { 1, 2 }.Select(static number => new SmtpAccount
            {
                Key = new(number),
                Tenant = "default",
                Id = $"a{number}",
                Version = 1,
            }),
        ];
        return LaneUnits.Of(
            new(accounts, null, new TenantDirectory([new() { Id = "default", Name = "Default" }]), new PoolDirectory([])),
            AccountLimits.None
        );
    }

    private async Task BeginAsync(Func<IReadOnlyCollection<LaneKey>, Task>? takeOver = null)
    {
        var units = Units();
        Nodes.Begin(() => units, takeOver ?? (static _ => Task.CompletedTask), static _ => true);
        await Eventually.BecomesAsync(() => Task.FromResult(Nodes.Now), static now => Array.TrueForAll(Both, now.Holds) && now.KeepsHouse);
    }

    [Test]
    public async Task Begin_OfAnOnlyNode_HoldsEveryLaneAndKeepsHouse()
    {
        await BeginAsync();
        Assert.That(Both.Select(Nodes.Now.HolderOf), Is.All.Null);
        Assert.That(Nodes.Alive.Select(static node => node.Session), Is.EqualTo(Nodes.IsShared ? new[] { Nodes.Me } : []));
    }

    [Test]
    public async Task Begin_LanesThatMayHaveBeenAnothers_AreHeldOnlyWhenTakenOver()
    {
        var early = false;
        var taken = new List<LaneKey>();
        await BeginAsync(lanes =>
        {
            lock (taken)
            {
                early |= Nodes.IsShared && lanes.Any(Nodes.Now.Holds);
                taken.AddRange(lanes);
            }

            return Task.CompletedTask;
        });
        Assert.That(early, Is.False);
        Assert.That(taken, Nodes.IsShared ? Is.EquivalentTo(Both) : Is.Empty);
    }

    [Test]
    public async Task Everywhere_WhatIsConfiguredIsInForceHere_NobodyIsWaitedFor()
    {
        await BeginAsync();
        Nodes.IsInForce(await Nodes.ConfigurationAsync());
        Assert.That(await Nodes.EverywhereAsync(TestDaemon.Deadline), Is.Empty);
    }

    [Test]
    public async Task Ask_NobodyElseIsThere_IsHeardByNobody()
    {
        await BeginAsync();
        var asked = 0;
        Nodes.Asked += _ => asked++;
        Nodes.Ask(new(NodeRequest.RunNow));
        Nodes.IsInForce(await Nodes.ConfigurationAsync());
        await Nodes.EverywhereAsync(TestDaemon.Deadline);
        Assert.That(asked, Is.Zero);
    }

    [Test]
    public async Task Leave_NothingIsUnderWay_GivesUpWhatAnotherCouldTake()
    {
        await BeginAsync();
        Nodes.Leave();
        await Eventually.BecomesAsync(
            () => Task.FromResult(Both.Count(Nodes.Now.Holds)),
            held => held == (Nodes.IsShared ? 0 : Both.Length)
        );
    }
}
