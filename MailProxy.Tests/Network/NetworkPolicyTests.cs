using System.Net;
using MailProxy.Pipeline.Network;
using NUnit.Framework;

namespace MailProxy.Tests.Network;

public sealed class NetworkPolicyTests
{
    private readonly NetworkPolicy _policy = new(new());

    [TestCase("0.0.0.0")]
    [TestCase("0.1.2.3")]
    [TestCase("10.0.0.1")]
    [TestCase("10.255.255.255")]
    [TestCase("100.64.0.1")]
    [TestCase("100.100.100.200")] // Alibaba metadata
    [TestCase("100.127.255.255")]
    [TestCase("127.0.0.1")]
    [TestCase("127.255.255.254")]
    [TestCase("168.63.129.16")] // Azure
    [TestCase("169.254.0.1")]
    [TestCase("169.254.169.254")] // metadata of most clouds
    [TestCase("172.16.0.1")]
    [TestCase("172.31.255.255")]
    [TestCase("192.0.0.192")] // Oracle metadata
    [TestCase("192.0.2.1")]
    [TestCase("192.88.99.1")]
    [TestCase("192.168.0.1")]
    [TestCase("192.168.255.255")]
    [TestCase("198.18.0.1")]
    [TestCase("198.19.255.255")]
    [TestCase("198.51.100.7")]
    [TestCase("203.0.113.9")]
    [TestCase("224.0.0.1")]
    [TestCase("239.255.255.255")]
    [TestCase("240.0.0.1")]
    [TestCase("255.255.255.255")]
    [TestCase("::")]
    [TestCase("::1")]
    [TestCase("::127.0.0.1")] // IPv4-compatible
    [TestCase("::ffff:127.0.0.1")]
    [TestCase("::ffff:10.1.2.3")]
    [TestCase("::ffff:169.254.169.254")]
    [TestCase("64:ff9b::7f00:1")] // NAT64 of 127.0.0.1
    [TestCase("64:ff9b::a9fe:a9fe")] // NAT64 of 169.254.169.254
    [TestCase("64:ff9b:1::1")]
    [TestCase("100::1")]
    [TestCase("2001::1")] // Teredo
    [TestCase("2001:db8::1")]
    [TestCase("2002:7f00:1::1")] // 6to4 of 127.0.0.1
    [TestCase("3fff::1")]
    [TestCase("5f00::1")]
    [TestCase("fc00::1")]
    [TestCase("fd00:ec2::254")] // AWS metadata
    [TestCase("fdff:ffff::1")]
    [TestCase("fe80::1")]
    [TestCase("fe80::1%1")]
    [TestCase("fec0::1")]
    [TestCase("ff02::1")]
    [TestCase("ff0e::1")]
    public void Allows_NotPublic_IsFalse(string address) => Assert.That(_policy.Allows(IPAddress.Parse(address)), Is.False);

    [TestCase("1.1.1.1")]
    [TestCase("8.8.8.8")]
    [TestCase("9.255.255.255")]
    [TestCase("11.0.0.0")]
    [TestCase("100.63.255.255")]
    [TestCase("100.128.0.0")]
    [TestCase("126.255.255.255")]
    [TestCase("128.0.0.1")]
    [TestCase("169.253.255.255")]
    [TestCase("172.15.255.255")]
    [TestCase("172.32.0.0")]
    [TestCase("192.167.255.255")]
    [TestCase("192.169.0.0")]
    [TestCase("198.17.255.255")]
    [TestCase("198.20.0.0")]
    [TestCase("223.255.255.255")]
    [TestCase("::ffff:8.8.8.8")]
    [TestCase("64:ff9b::808:808")] // NAT64 of 8.8.8.8
    [TestCase("2001:4860:4860::8888")]
    [TestCase("2606:4700:4700::1111")]
    [TestCase("2a00:1450::1")]
    public void Allows_Public_IsTrue(string address) => Assert.That(_policy.Allows(IPAddress.Parse(address)), Is.True);

    [TestCase("10.1.0.0/16", "10.1.2.3", true)]
    [TestCase("10.1.0.0/16", "::ffff:10.1.2.3", true)]
    [TestCase("10.1.0.0/16", "10.2.0.1", false)]
    [TestCase("10.0.0.1/8", "10.9.9.9", true)]
    [TestCase("10.0.0.1/8", "192.168.0.1", false)]
    [TestCase("10.1.2.3", "10.1.2.3", true)]
    [TestCase("10.1.2.3", "10.1.2.4", false)]
    [TestCase("127.0.0.0/8", "127.0.0.1", true)]
    [TestCase("127.0.0.0/8", "::1", false)]
    [TestCase("::1", "::1", true)]
    [TestCase("fd12::/16", "fd12::9", true)]
    [TestCase("fe80::/10", "fe80::1%1", true)]
    public void Allows_Named_IsAsTheOperatorSays(string range, string address, bool allowed) =>
        Assert.That(new NetworkPolicy(new() { Allowed = [range] }).Allows(IPAddress.Parse(address)), Is.EqualTo(allowed));

    [TestCase("10.0.0.0/33")]
    [TestCase("localhost")]
    [TestCase("")]
    public void NetworkPolicy_NoRange_Throws(string range) =>
        Assert.That(() => new NetworkPolicy(new() { Allowed = [range] }), Throws.TypeOf<FormatException>());

    [TestCase("::ffff:10.1.2.3", "10.1.2.3/32")]
    [TestCase("::ffff:10.0.0.0/104", "10.0.0.0/8")]
    [TestCase("::/0", "::/0")]
    [TestCase("10.0.0.0/8", "10.0.0.0/8")]
    public void TryParse_MappedRange_IsTheRangeItMeans(string text, string expected)
    {
        Assert.That(NetworkPolicy.TryParse(text, out var network));
        Assert.That(network.ToString(), Is.EqualTo(expected));
    }
}
