using MailProxy.Pipeline.Send;
using NUnit.Framework;

namespace MailProxy.Tests.Send;

internal sealed class SmtpOffersTests
{
    [TestCase("STARTTLS")]
    [TestCase("STARTTLS ")]
    [TestCase("starttls\t")]
    [TestCase("  StartTls  ")]
    [TestCase("STARTTLS REQUIRED")]
    public void StartTls_HoweverItIsWritten_IsOnOffer(string line) => Assert.That(new SmtpOffers(["host", line]).StartTls, Is.True);

    [TestCase("XSTARTTLS")]
    [TestCase("STARTTLS2")]
    [TestCase("")]
    public void StartTls_SomethingElse_IsNot(string line) => Assert.That(new SmtpOffers(["host", line]).StartTls, Is.False);

    [Test]
    public void FirstLine_IsTheServersName() => Assert.That(new SmtpOffers(["STARTTLS"]).StartTls, Is.False);

    [TestCase("AUTH PLAIN LOGIN")]
    [TestCase("auth plain login ")]
    [TestCase("AUTH=PLAIN LOGIN")]
    [TestCase("AUTH= PLAIN LOGIN")]
    [TestCase("AUTH\tPLAIN  LOGIN")]
    public void Mechanisms_OldNotationAndNew_AreRead(string line)
    {
        var offers = new SmtpOffers(["host", line]);
        Assert.That(offers.Mechanisms, Is.EquivalentTo(new[] { "PLAIN", "LOGIN" }));
        Assert.That(offers.Names, Is.EqualTo(new[] { "AUTH" }));
    }

    [Test]
    public void Mechanisms_OldNotationBesideTheNew_AreTogether() =>
        Assert.That(new SmtpOffers(["host", "AUTH=LOGIN", "AUTH PLAIN"]).Mechanisms, Is.EquivalentTo(new[] { "PLAIN", "LOGIN" }));

    [TestCase("SIZE 1000", 1000L)]
    [TestCase("size 1000 ", 1000L)]
    [TestCase("SIZE", null)]
    [TestCase("SIZE 0", null)]
    [TestCase("SIZE -1", null)]
    [TestCase("SIZE 99999999999999999999", null)]
    [TestCase("SIZE ١٢", null)]
    [TestCase("SIZE 1e3", null)]
    public void LargestMessage_ANumber_OrNone(string line, long? expected)
    {
        var offers = new SmtpOffers(["host", line]);
        Assert.That((offers.Size, offers.LargestMessage), Is.EqualTo((true, expected)));
    }

    [Test]
    public void SmtpUtf8_Without8BitMime_IsNotOnOffer() => Assert.That(new SmtpOffers(["host", "SMTPUTF8"]).SmtpUtf8, Is.False);
}
