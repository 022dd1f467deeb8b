using System.Net;
using NUnit.Framework;

namespace MailProxy.Tests.Api;

/// <summary>From which addresses a key is taken, also behind a proxy.</summary>
[TestFixture]
internal sealed class KeyAllowListTests : KeyFixture
{
    [TestCase("10.1.2.3", true)]
    [TestCase("192.0.2.1", false)]
    [TestCase("198.51.100.9, 10.1.2.3", true)]
    [TestCase("10.1.2.3, 198.51.100.9", false)]
    [TestCase("10.1.2.3, 127.0.0.1", true)]
    [TestCase("10.1.2.3:5678", true)]
    [TestCase("192.0.2.1:5678, 10.1.2.3:80", true)]
    [TestCase("10.1.2.3:5678, 192.0.2.1:80", false)]
    [TestCase("[::ffff:10.1.2.3]:5678", true)]
    [TestCase("[2001:db8::1]:5678", false)]
    [TestCase("10.1.2.3:port", false)]
    [TestCase("10.1.2.3:99999", false)]
    [TestCase("not an address", false)]
    public async Task AllowList_BehindATrustedProxy_LooksAtTheLastAddressThatIsNotOurs(string forwarded, bool allowed)
    {
        await using var host = await ApiHost.StartAsync(
            new() { OnKestrel = true, Configure = api => api.TrustedProxies = ["127.0.0.0/8"] }
        );
        host.CurrentKeys.Swap(new([Key("k1", "the-key") with { AllowedNetworks = [IPNetwork.Parse("10.0.0.0/8")] }]));
        using var client = host.NewClient("the-key");
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/accounts");
        request.Headers.TryAddWithoutValidation("X-Forwarded-For", forwarded);
        using var answer = await client.SendAsync(request);
        Assert.That((int)answer.StatusCode, Is.EqualTo(allowed ? 200 : 403));
    }

    [Test]
    public async Task AllowList_NoTrustedProxy_DoesNotBelieveTheHeader()
    {
        await using var host = await ApiHost.StartAsync(new() { OnKestrel = true });
        host.CurrentKeys.Swap(
            new([
                Key("k1", "far-key") with
                {
                    AllowedNetworks = [IPNetwork.Parse("10.0.0.0/8")],
                },
                Key("k2", "near-key") with
                {
                    AllowedNetworks = [IPNetwork.Parse("127.0.0.1/32")],
                },
            ])
        );
        foreach (var (key, status) in ((string, int)[])[("far-key", 403), ("near-key", 200)])
        {
            using var client = host.NewClient(key);
            using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/accounts");
            request.Headers.TryAddWithoutValidation("X-Forwarded-For", "10.1.2.3");
            using var answer = await client.SendAsync(request);
            Assert.That((int)answer.StatusCode, Is.EqualTo(status), key);
        }
    }
}
