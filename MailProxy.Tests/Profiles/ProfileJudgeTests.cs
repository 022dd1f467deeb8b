using MailProxy.Pipeline.Profiles;
using NUnit.Framework;

namespace MailProxy.Tests.Profiles;

internal sealed class ProfileJudgeTests
{
    [TestCase("smtp.office365.com", "microsoft365")]
    [TestCase("SMTP.Office365.COM.", "microsoft365")]
    [TestCase("contoso-com.mail.protection.outlook.com", "exchange-online")]
    [TestCase("hotmail-com.olc.protection.outlook.com", "outlook")]
    [TestCase("email-smtp.eu-west-1.amazonaws.com", "amazon-ses")]
    [TestCase("email-smtp.eu-west-1.amazonaws.com.evil.example", "any")]
    [TestCase("gmail-smtp-in.l.google.com", "google-mx")]
    [TestCase("smtp.gmail.com", "google")]
    [TestCase("notsmtp.gmail.com", "any")]
    [TestCase("", "any")]
    [TestCase(null, "any")]
    public void For_Host_IsTheMostExactProfile(string? host, string expected) =>
        Assert.That(ProfileSet.Shipped.For(host).Name, Is.EqualTo(expected));

    [TestCase("a.*.b", "a.x.b", true)]
    [TestCase("a.*.b", "a..b", true)]
    [TestCase("a.*.b", "a.b", false)]
    [TestCase("*.b", "x.b", true)]
    [TestCase("*.b", ".b.c", false)]
    [TestCase("a*a", "a", false)]
    [TestCase("*x*x*", "axbxc", true)]
    [TestCase("*x*x*", "axbc", false)]
    [TestCase("a", "ab", false)]
    public void HostPattern_Matches_AsWritten(string pattern, string host, bool expected) =>
        Assert.That(HostPattern.Parse(pattern)!.Matches(host), Is.EqualTo(expected));

    [TestCase("4.7.500 busy", "4.7.500", " busy")]
    [TestCase("5.7.1 no", "5.7.1", " no")]
    [TestCase("#5.7.1 no", "5.7.1", " no")]
    [TestCase("4.2.1 a 4.2.1 b 4.2.1 c", "4.2.1", " a b c")]
    [TestCase("5.7.1", "5.7.1", "")]
    [TestCase("no 5.7.1", null, "no 5.7.1")]
    [TestCase("5.7 no", null, "5.7 no")]
    [TestCase("2.0.0 ok", null, "2.0.0 ok")]
    [TestCase("", null, "")]
    public void ReplyText_EnhancedCode_IsReadAsWritten(string text, string? enhanced, string words)
    {
        var reply = ReplyText.Of(text);
        Assert.That((reply.Enhanced, reply.Words), Is.EqualTo((enhanced, words)));
    }

    [TestCase("5.7.1", "5.7.1", true)]
    [TestCase("5.7.1", "5.7.10", false)]
    [TestCase("5.7.*", "5.7.10", true)]
    [TestCase("5.7.60*", "5.7.606", true)]
    [TestCase("5.7.60*", "5.7.61", false)]
    [TestCase("4.*", "4.7.1", true)]
    [TestCase("4.*", "5.7.1", false)]
    public void EnhancedPattern_Matches_AsWritten(string pattern, string code, bool expected) =>
        Assert.That(EnhancedPattern.Parse(pattern)!.Matches(code), Is.EqualTo(expected));

    [Test]
    public void Judge_TransientReplyWithAPermanentEnhancedCode_IsMatchedByThatCode() =>
        Assert.That(
            ProfileSet.Shipped.For("smtp.office365.com").Judge(ReplyPhase.Authenticate, 535, "5.7.139 no")?.Name,
            Is.EqualTo("authentication-policy")
        );

    [TestCase(250)]
    [TestCase(354)]
    [TestCase(399)]
    [TestCase(600)]
    [TestCase(-1)]
    public void Judge_NoRefusal_NoRuleSpeaks(int code) =>
        Assert.That(ProfileSet.Shipped.For("x").Judge(ReplyPhase.Final, code, "greylisted"), Is.Null);

    [Test]
    public void Judge_TextOfAnyLength_TakesTheSameMemory()
    {
        var profile = ProfileSet.Shipped.For("mx.example.org");
        var (before, enormous) = (new string('x', ReplyText.Longest) + " greylisted", new string('a', 20_000_000));
        Assert.That(profile.Judge(ReplyPhase.Recipient, 451, before), Is.Null, "beyond what is looked at");
        profile.Judge(ReplyPhase.Recipient, 451, enormous);
        var used = GC.GetAllocatedBytesForCurrentThread();
        profile.Judge(ReplyPhase.Recipient, 451, enormous);
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - used, Is.LessThan(8 * 1024));
    }
}
