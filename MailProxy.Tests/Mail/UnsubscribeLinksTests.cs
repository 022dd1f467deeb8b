using System.Buffers.Text;
using System.Text;
using MailProxy.Pipeline.Mail;
using NUnit.Framework;

namespace MailProxy.Tests.Mail;

/// <summary>Links to unsubscribe: only this installation makes them, and who has one learns nothing from it.</summary>
internal sealed class UnsubscribeLinksTests
{
    private static readonly UnsubscribeLinks Links = With(new byte[32]);

    private static readonly UnsubscribeLink Sample = new(7, new("acme", "order-4711"), "ann@y.example");

    [TestCase("acme", "order-4711", "ann@y.example")]
    [TestCase("acme", "o:4711@x_y", "a+b@y.example")]
    [TestCase("acme", "o", "\"a \\\" b\"@[192.0.2.1]")]
    [TestCase("acme", "o", "jürgen@xn--bcher-kva.example")]
    public void Read_Sealed_ComesBack(string tenant, string id, string address) =>
        Assert.That(Links.Read(Links.Seal(new(7, new(tenant, id), address))), Is.EqualTo(new UnsubscribeLink(7, new(tenant, id), address)));

    [Test]
    public void Read_TheLongest_ComesBackAndFitsOnALine()
    {
        var address = $"{new string('a', 64)}@{string.Join('.', Enumerable.Repeat(new string('b', 62), 3))}";
        var key = new MessageKey("acme", new string('m', 128));
        var link = With(new byte[32], $"https://mail.example/{new string('p', 170)}").Address(key, address);
        Assert.That(link.Length, Is.LessThan(950));
        Assert.That(Links.Read(link[(link.LastIndexOf('/') + 1)..]), Is.EqualTo(new UnsubscribeLink(7, key, address)));
    }

    [Test]
    public void Seal_TheSameTwice_IsTheSameAndAnythingElseIsAnother()
    {
        var (first, second) = (Links.Seal(Sample), With(new byte[32]).Seal(Sample with { }));
        Assert.That(second, Is.EqualTo(first), "each attempt has the same octets");
        UnsubscribeLink[] others =
        [
            Sample with
            {
                Address = "ann@y.exampl",
            },
            Sample with
            {
                Message = new("acme", "order-4712"),
            },
            Sample with
            {
                Message = new("acm", "eorder-4711"),
            },
            Sample with
            {
                TenantNumber = 8,
            },
        ];
        Assert.That(
            others.Select(Links.Seal).Append(Links.Seal(Sample)).Select(static token => token[..16]).Distinct().Count(),
            Is.EqualTo(5)
        );
    }

    [Test]
    public void Seal_SaysNothingToWhoSeesIt()
    {
        var octets = Encoding.Latin1.GetString(Base64Url.DecodeFromChars(Links.Seal(Sample)));
        Assert.That(octets, Does.Not.Contain("ann").And.Not.Contain("acme").And.Not.Contain("4711"));
    }

    [Test]
    public void Read_AnyBitChanged_IsNotOurs()
    {
        var bytes = Base64Url.DecodeFromChars(Links.Seal(Sample));
        for (var bit = 0; bit < bytes.Length * 8; bit++)
        {
            var changed = (byte[])bytes.Clone();
            changed[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.That(Links.Read(Base64Url.EncodeToString(changed)), Is.Null, $"bit {bit}");
        }
    }

    [TestCase("")]
    [TestCase("abc")]
    [TestCase("../../etc/passwd")]
    [TestCase("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    [TestCase("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [TestCase("ÄAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    public void Read_Nonsense_IsNotOurs(string token) => Assert.That(Links.Read(token), Is.Null);

    [Test]
    public void Read_MuchTooLong_IsNotOurs() => Assert.That(Links.Read(new string('A', 100_000)), Is.Null);

    [Test]
    public void Read_OfAnotherInstallationOrTenant_IsNotOurs()
    {
        var other = new byte[32];
        other[31] = 1;
        Assert.That(Links.Read(With(other).Seal(Sample)), Is.Null);
        Assert.That(Links.Read(Links.Seal(Sample with { TenantNumber = 6 })), Is.Null, "a tenant of the same id, deleted before");
        Assert.That(Links.Read(Links.Seal(Sample with { Message = new("beta", "m") })), Is.Null, "no such tenant");
    }

    private static UnsubscribeLinks With(byte[] key, string publicUrl = "https://mail.example/out") =>
        new(key, new(publicUrl), static tenant => tenant == "acme" ? 7 : null);
}
