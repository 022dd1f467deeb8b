using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Resolve;
using NUnit.Framework;

namespace MailProxy.Tests.Resolve;

[TestFixture]
internal sealed class LinkAddressTests
{
    private static readonly VolumeConfig.S3 Bucket = new("b", null, "eu-central-1", null, false, "AK", "secret", true);

    [TestCase(7, "AK", true, false)]
    [TestCase(8, "AK", true, true)]
    [TestCase(8, "AK", false, false)]
    [TestCase(1, null, true, true)]
    [TestCase(1, null, false, false)]
    public void IsServed_S3_OnlyWhenASignatureIsTooShort(int days, string? accessKey, bool reachable, bool served) =>
        Assert.That(
            LinkAddress.IsServed(Volume(Bucket with { AccessKey = accessKey }), days, reachable ? new("https://x") : null),
            Is.EqualTo(served)
        );

    [Test]
    public void IsServed_Local_Always() => Assert.That(LinkAddress.IsServed(Volume(new VolumeConfig.Local("/srv")), 1, null));

    [TestCase(30, true, 30)]
    [TestCase(30, false, 7)]
    [TestCase(2, false, 2)]
    public void Lifetime_Presigned_HasSevenDaysAtMost(int days, bool served, int lives) =>
        Assert.That(LinkAddress.Lifetime(days, served), Is.EqualTo(lives * 86_400_000L));

    [Test]
    public void Place_AnotherSecretOrKey_IsTheSamePlace()
    {
        Assert.That(
            LinkAddress.Location(Bucket with { AccessKey = "x", SecretKey = "y" }),
            Is.EqualTo(LinkAddress.Location(Bucket)).And.Not.Contain("secret")
        );
        Assert.That(LinkAddress.Location(Bucket with { Bucket = "c" }), Is.Not.EqualTo(LinkAddress.Location(Bucket)));
    }

    [TestCase("application/pdf", "application/pdf")]
    [TestCase("text/csv; charset=utf-8", "text/csv; charset=utf-8")]
    [TestCase(null, "application/octet-stream")]
    [TestCase("nonsense", "application/octet-stream")]
    [TestCase("text/html\r\nSet-Cookie: a", "application/octet-stream")]
    public void ContentType_Given_OnlyWhenItIsOne(string? given, string type) =>
        Assert.That(LinkAddress.ContentType(given), Is.EqualTo(type));

    [Test]
    public void NewKey_Twice_NobodyGuesses()
    {
        var (one, other) = (LinkAddress.NewKey("acme"), LinkAddress.NewKey("acme"));
        Assert.That(one, Does.Match("^links/acme/[0-9a-f]{32}$"));
        Assert.That(other, Is.Not.EqualTo(one));
    }

    private static Volume Volume(VolumeConfig config) =>
        new()
        {
            Tenant = "acme",
            Id = "files",
            AdminSet = true,
            Config = config,
        };
}
