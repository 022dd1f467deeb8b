using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage.Nodes;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Nodes;

/// <summary>What must be sent for by one node.</summary>
internal sealed class LaneUnitsTests
{
    private static SmtpAccount Account(int number) =>
        new()
        {
            Key = new(number),
            Tenant = "acme",
            Id = $"a{number}",
            Version = 1,
        };

    private static Pool Pool(int number, params string[] members) =>
        new()
        {
            Key = new(number),
            Tenant = "acme",
            Id = $"p{number}",
            Version = 1,
            Accounts = [.. members.Select(static id => new PoolMember(id))],
        };

    public static LaneUnits Units(bool limitsOfTenant = false, int[]? accounts = null, Pool[]? pools = null, AccountLimits? all = null)
    {
        var tenant = new Tenant
        {
            Id = "acme",
            Name = "acme",
            Number = 4,
            Limits = limitsOfTenant ? new AccountLimits { PerMinute = 1 } : AccountLimits.None,
        };
        var directory = new AccountDirectory(
            [.. (accounts ?? [1, 2, 3, 4]).Select(Account)],
            null,
            new TenantDirectory([tenant]),
            new PoolDirectory(pools ?? [])
        );
        return LaneUnits.Of(directory, all ?? AccountLimits.None);
    }

    private static long Unit(LaneUnits units, int lane) => units.OfLanes[new LaneKey(lane)];

    [Test]
    public void Accounts_WithLimitsOfTheirOwnAlone_AreUnits() => Assert.That(Units().OfLanes.Values.Distinct().Count(), Is.EqualTo(4));

    [Test]
    public void Tenant_WithLimits_IsOneUnit() => Assert.That(Units(limitsOfTenant: true).OfLanes.Values.Distinct().Count(), Is.EqualTo(1));

    [Test]
    public void Installation_WithLimits_IsOneUnit() =>
        Assert.That(Units(all: new AccountLimits { PerHour = 5 }).OfLanes.Values.Distinct().Count(), Is.EqualTo(1));

    [Test]
    public void Pools_WithTheirAccounts_AreUnits_AndThoseThatShareOneAreOne()
    {
        var units = Units(pools: [Pool(1, "a1", "a2"), Pool(2, "a2", "a3")]);
        Assert.Multiple(() =>
        {
            Assert.That(new[] { 1, 2, 3, -1, -2 }.Select(lane => Unit(units, lane)).Distinct().Count(), Is.EqualTo(1));
            Assert.That(Unit(units, 4), Is.Not.EqualTo(Unit(units, 1)));
        });
    }
}
