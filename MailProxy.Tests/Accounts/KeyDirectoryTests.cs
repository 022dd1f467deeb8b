using System.Net;
using MailProxy.Pipeline.Accounts;
using NUnit.Framework;

namespace MailProxy.Tests.Accounts;

[TestFixture]
public sealed class KeyDirectoryTests
{
    [Test]
    public void Find_Offered_OnlyTheVeryKey()
    {
        var directory = new KeyDirectory([Key("a", TenantKey.HashOf("one")), Key("b", TenantKey.HashOf("two"))]);
        Assert.That(directory.Find(TenantKey.HashOf("two"))?.Id, Is.EqualTo("b"));
        Assert.That(directory.Find(TenantKey.HashOf("Two")), Is.Null);
        Assert.That(KeyDirectory.Empty.Find(TenantKey.HashOf("")), Is.Null);
    }

    [Test]
    public void Find_SameBeginning_ComparesTheWholeHash()
    {
        var hash = TenantKey.HashOf("one");
        byte[] other = [.. hash];
        other[^1] ^= 1;
        var directory = new KeyDirectory([Key("a", hash), Key("b", other)]);
        Assert.That((directory.Find(hash)?.Id, directory.Find(other)?.Id), Is.EqualTo(("a", "b")));
        other[^1] ^= 2;
        Assert.That(new KeyDirectory([Key("a", hash)]).Find(other), Is.Null);
    }

    [TestCase("10.1.2.3", true)]
    [TestCase("::ffff:10.1.2.3", true)]
    [TestCase("11.1.2.3", false)]
    [TestCase("2001:db8::1", true)]
    [TestCase("2001:db9::1", false)]
    [TestCase(null, false)]
    public void AllowsFrom_AllowList_OnlyFromThere(string? address, bool allowed)
    {
        var key = Key("a", TenantKey.HashOf("one")) with
        {
            AllowedNetworks = [IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("2001:db8::/32")],
        };
        var from = address is null ? null : IPAddress.Parse(address);
        Assert.That(key.AllowsFrom(from), Is.EqualTo(allowed));
        Assert.That(Key("a", []).AllowsFrom(from), "no list: from anywhere");
    }

    private static TenantKey Key(string id, byte[] hash) =>
        new()
        {
            Tenant = "default",
            Id = id,
            Name = id,
            Hash = hash,
            Scopes = KeyScopes.Read,
            CreatedAt = 0,
        };
}
