using System.Net;
using MailProxy.Daemon.Api;
using NUnit.Framework;

namespace MailProxy.Tests.Api;

internal sealed class RefusalTableTests
{
    private static RefusalTable Table(int seed = 1)
    {
        var random = new Random(seed);
        return new(random.NextDouble);
    }

    private static IPAddress Address(int network, int host = 1) => new([10, (byte)(network / 256), (byte)(network % 256), (byte)host]);

    [Test]
    public void Note_ManyAddressesOfOneNetwork_LeaveCapacityForTheOthers()
    {
        var table = Table();
        for (var i = 0; i < 250; i++)
            table.Note("unknown", false, "unauthorized", Address(1, i));
        Assert.That(table.Note("unknown", false, "unauthorized", Address(2)), Is.EqualTo(new Refusal(true, 246)));
    }

    [Test]
    public void Note_FloodOfUnknownKeys_HidesNoKeyOfOurs()
    {
        var table = Table();
        for (var i = 0; i < 1_000; i++)
            table.Note("unknown", false, "unauthorized", Address(i));
        Assert.That(table.Note("key/acme/k1", true, "key_expired", Address(7)).Tell, Is.True);
    }

    [Test]
    public void Note_TheSameAgain_IsToldOnceAMinute()
    {
        var table = Table();
        Assert.That(table.Note("key/a/k", true, "address_not_allowed", Address(1)).Tell, Is.True);
        Assert.That(table.Note("key/a/k", true, "address_not_allowed", Address(1)).Tell, Is.False);
        Assert.That(table.Turn()?.Groups, Is.EqualTo(new[] { ("key/a/k", 1L) }));
        Assert.That(table.Note("key/a/k", true, "address_not_allowed", Address(1)), Is.EqualTo(new Refusal(true, 1)));
        Assert.That(table.Turn(), Is.Null);
    }

    [Test]
    public void Turn_SixtyNetworksFirst_WhatFollowedIsCountedAndASampleOfItNamed()
    {
        var table = Table();
        for (var i = 0; i < RefusalTable.Most; i++)
            Assert.That(table.Note("unknown", false, "unauthorized", Address(i)).Tell, Is.True);
        for (var i = 0; i < 30; i++)
            Assert.That(table.Note("unknown", false, "unauthorized", Address(1_000)).Tell, Is.False);
        var suppressed = table.Turn()!;
        Assert.That((suppressed.Count, suppressed.Groups[0]), Is.EqualTo((30L, ("10.3.232.0/24", 30L))));
    }

    [Test]
    public void Turn_AnAttackerFillsTheTableFirst_TheLastHasItsFairChance()
    {
        var named = 0;
        for (var seed = 0; seed < 400; seed++)
        {
            var table = Table(seed);
            for (var i = 0; i < 260; i++)
                table.Note("unknown", false, "unauthorized", Address(i)); // 60 are told, 200 are not
            table.Note("unknown", false, "unauthorized", Address(9_999));
            if (table.Turn()!.Groups.Any(static group => group.Group == "10.39.15.0/24"))
                named++;
        }

        Assert.That(named, Is.InRange(20, 70), "20 of 201 are named: some 40 of 400");
    }

    [TestCase("192.0.2.77", "192.0.2.0/24")]
    [TestCase("2001:db8:1:2::3", "2001:db8:1::/48")]
    public void Network_Address_IsWhatItsHolderMayHaveWhole(string address, string network) =>
        Assert.That(RefusalTable.Network(IPAddress.Parse(address)), Is.EqualTo(network));
}
