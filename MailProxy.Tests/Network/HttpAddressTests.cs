using MailProxy.Pipeline.Network;
using NUnit.Framework;

namespace MailProxy.Tests.Network;

public sealed class HttpAddressTests
{
    private static readonly string ManyUmlauts = string.Join('.', Enumerable.Repeat(new string('ü', 20), 12));

    private static readonly string[] Good =
    [
        "http://hook.example/",
        "HTTPS://Hook.Example/x?y=z#f",
        "http://hook.example",
        "http://hook.example:8080/a%20b",
        "http://10.0.0.1/",
        "http://[::1]:1/",
        "http://2130706433/",
        "http://a_b.example/",
        "http://app:8000/",
        "http://münchen.example/",
        "http://例え.テスト/",
        "http://xn--mnchen-3ya.example/",
        "http://hook.example./",
        "http://a.example:65535/",
        "http://a.example/\u202e",
        "http://a.example/?q=\u00fc",
        "http://" + new string('a', 63) + ".example/",
    ];

    private static readonly string[] Bad =
    [
        "",
        "x",
        "http:",
        "http:/",
        "http://",
        "http:a.example",
        "/relative",
        "//a.example/",
        "ftp://a.example/",
        "file:///etc/passwd",
        "http://\u202e.example/",
        "http://a\u200b.example/",
        "http://\u00ad/",
        "http://xn--\u0378/",
        "http://" + ManyUmlauts + "/",
        "http://" + new string('a', 64) + ".example/",
        "http://" + string.Join('.', Enumerable.Repeat("abcdefgh", 40)) + "/",
        "http://[::1%25eth0]/",
        "http://[fe80::1%eth0]/",
        "http://%65xample.com/",
        "http://a%00b/",
        "http://a..b/",
        "http://.a/",
        "http://a.example:0/",
        "http://a.example:65536/",
        "http://a.example:-1/",
        "http://user@a.example/",
        "http://@a.example/",
        "http://u:p@a.example/",
        "http://-a.example/",
        "http://a-.example/",
        "http://[::1/",
        "http://256.1.1.1/",
        "http://1.2.3.4.5/",
        "http://\uff11\uff12\uff17.0.0.2/",
        "http://\u2460\u2461\u2466.0.0.1/",
        "http://127\u30020\u30020\u30022/",
        "http://\u0661\u0662\u0667.0.0.1/",
        "http://a b/",
        " http://a.example/",
        "http://a.example/ ",
        "http://a.example/\t",
        "http://a.example/\0",
        "http://a.example/\r\nX: y",
        "http://a\\b/",
        "http://a.example\\@b/",
        "http://*/",
        "http://a,b/",
        "http://a;b/",
        "http://a'b/",
        "http://\ufffd/",
        "http://a.0x7f/",
        "javascript:alert(1)",
        "http://?",
        "http://#",
        "http://:80/",
        "http:///a",
    ];

    [TestCaseSource(nameof(Good))]
    public void Read_Good_IsWhatAClientCanAsk(string text)
    {
        var (address, fault) = HttpAddress.Read(text);

        Assert.That(fault, Is.Null);
        Assert.That(HttpAddress.IsSendable(address!), Is.True);
    }

    [TestCaseSource(nameof(Bad))]
    public void Read_Bad_IsToldWithoutAnException(string text)
    {
        var (address, fault) = HttpAddress.Read(text);

        Assert.That(address, Is.Null);
        Assert.That(fault, Is.Not.Empty);
    }

    [TestCaseSource(nameof(Bad))]
    public void Stored_Bad_IsAnAddressAllTheSame(string text) => Assert.That(() => HttpAddress.Stored(text), Throws.Nothing);

    // As mail to the same domain: UTS 46 without transition, not the older rules that make straße of strasse.
    [TestCase("https://straße.example/ä?q=ß#x", "https://xn--strae-oqa.example/%C3%A4?q=%C3%9F#x", "xn--strae-oqa.example")]
    [TestCase("http://MÜNCHEN.example:8080", "http://xn--mnchen-3ya.example:8080/", "xn--mnchen-3ya.example")]
    [TestCase("https://xn--mnchen-3ya.example/", "https://xn--mnchen-3ya.example/", "xn--mnchen-3ya.example")]
    public void Read_InternationalHost_IsTheOneOfMail(string text, string expected, string host)
    {
        var (address, fault) = HttpAddress.Read(text);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(fault, Is.Null);
            Assert.That((address?.AbsoluteUri, address?.IdnHost), Is.EqualTo((expected, host)));
            Assert.That(HttpAddress.Stored(text).AbsoluteUri, Is.EqualTo(expected));
            Assert.That(DomainNames.ToAscii(new Uri(text).Host.ToLowerInvariant()), Is.EqualTo(host));
        }
    }

    [TestCase("straße.example", "xn--strae-oqa.example")]
    [TestCase("mail.example.", "mail.example.")]
    [TestCase("::1", "::1")]
    [TestCase("\u202ex", "\u202ex")]
    public void OnTheWire_OfWhatWasStored(string host, string expected) => Assert.That(HostName.OnTheWire(host), Is.EqualTo(expected));

    [TestCase("mail.example", true)]
    [TestCase("mail.example.", true)]
    [TestCase("localhost", true)]
    [TestCase("127.0.0.1", true)]
    [TestCase("::1", true)]
    [TestCase("münchen.example", true)]
    [TestCase("[::1]", false)]
    [TestCase("fe80::1%eth0", false)]
    [TestCase("127.1", false)]
    [TestCase("1", false)]
    [TestCase("a..b", false)]
    [TestCase(".", false)]
    [TestCase("a b", false)]
    [TestCase("\u202email.example", false)]
    [TestCase("mail.example:25", false)]
    [TestCase("http://mail.example", false)]
    public void IsHost_AsWritten(string host, bool good) => Assert.That(HostName.IsHost(host), Is.EqualTo(good));
}
