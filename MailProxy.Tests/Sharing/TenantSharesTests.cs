using MailProxy.Pipeline.Sharing;
using NUnit.Framework;

namespace MailProxy.Tests.Sharing;

public sealed class TenantSharesTests
{
    [Test]
    public void Of_SeveralCapacities_EachByNameWithWhatTheTenantHolds()
    {
        var shares = new TenantShares();
        var bytes = new SharedCapacity(100, new(0.5, static () => true));
        shares.Add("request_bytes", bytes);
        shares.Add("fetches", static _ => (1, 3));
        using var charge = bytes.TryTake("a", 20);
        Assert.That(shares.Of("a"), Is.EqualTo(new HeldShare[] { new("fetches", 1, 3), new("request_bytes", 20, 50) }));
        Assert.That(shares.Of("b"), Is.EqualTo(new HeldShare[] { new("fetches", 1, 3), new("request_bytes", 0, 40) }));
    }
}
