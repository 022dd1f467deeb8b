using MailProxy.Pipeline.Send;
using NUnit.Framework;

namespace MailProxy.Tests.Send;

internal sealed class SmtpReplyTests
{
    [TestCase(550, "5.1.1 no such user", "5.1.1")]
    [TestCase(250, "2.0.0 Ok: queued", "2.0.0")]
    [TestCase(452, "4.5.3", "4.5.3")]
    [TestCase(550, "5.7.509 policy", "5.7.509")]
    [TestCase(550, "4.1.1 class of another reply", "5.0.0")]
    [TestCase(550, "no code", "5.0.0")]
    [TestCase(550, "5.1 short", "5.0.0")]
    [TestCase(550, "5.1.1.1 long", "5.0.0")]
    [TestCase(550, "5..1 odd", "5.0.0")]
    [TestCase(550, "5.1.1x odd", "5.0.0")]
    [TestCase(450, "", "4.0.0")]
    public void Of_Text_FindsTheEnhancedCode(int code, string text, string expected) =>
        Assert.That(SmtpReply.Of(code, text).EnhancedCode, Is.EqualTo(expected));

    [Test]
    public void Of_SeveralLines_BecomeOne() =>
        Assert.That(SmtpReply.Of(550, "5.1.1 no\n5.1.1 such\r\n\tuser").Text, Is.EqualTo("5.1.1 no 5.1.1 such user"));

    [Test]
    public void Of_LongText_IsCut() => Assert.That(SmtpReply.Of(550, new('x', 10_000)).Text, Has.Length.EqualTo(512));

    [TestCase("a\u202eb", "ab")]
    [TestCase("a\u2028b\u2029c", "a b c")]
    [TestCase("a\0b\u0085c\u007fd", "a b c d")]
    [TestCase("a\u200bb\ufeffc\u2066d", "abcd")]
    [TestCase("Gr\u00fc\u00dfe \U0001F600", "Gr\u00fc\u00dfe \U0001F600")]
    [TestCase("\U000E0041\U000E0042x", "x")]
    public void OneLine_AStrangersWords_AreFitToBeTold(string text, string expected) =>
        Assert.That(SmtpReply.OneLine(text), Is.EqualTo(expected));

    [Test]
    public void OneLine_HalfACharacter_IsMarked() => Assert.That(SmtpReply.OneLine("a" + (char)0xd800 + "b"), Is.EqualTo("a\ufffdb"));

    [Test]
    public void OneLine_CutInACharacter_LeavesItOut() =>
        Assert.That(SmtpReply.OneLine(new string('x', 511) + "\U0001F600"), Is.EqualTo(new string('x', 511)));

    [TestCase("450 try again in \u0663\u0660 seconds")]
    [TestCase("450 try again in \uff13\uff10 seconds")]
    [TestCase("450 come back in \u0660\u0660:\u0660\u0665:\u0660\u0660")]
    public void RetryHint_DigitsOfOtherScripts_NameNoDelay(string line) =>
        Assert.That(RetryHint.In(SmtpReply.Of(int.Parse(line[..3]), line[4..])), Is.Null);

    [TestCase("450 4.7.1 Greylisted, try again in 5 minutes", 300)]
    [TestCase("451 4.7.1 Greylisting in action, please come back in 00:05:00", 300)]
    [TestCase("450 4.2.0 Recipient address rejected: Greylisted for 300 seconds", 300)]
    [TestCase("450 Please retry after 90s", 90)]
    [TestCase("421 4.7.0 Try again later in 1 hour.", 3600)]
    [TestCase("451 wait 2 min", 120)]
    public void RetryHint_DelayNamed_IsRead(string line, int seconds) =>
        Assert.That(RetryHint.In(SmtpReply.Of(int.Parse(line[..3]), line[4..])), Is.EqualTo(TimeSpan.FromSeconds(seconds)));

    [TestCase("450 4.7.1 Greylisted, try again later")]
    [TestCase("452 4.5.3 more than 100 messages in 60 minutes")]
    [TestCase("451 4.3.0 error 300 s")]
    [TestCase("450 try 10.0.0.1 instead")]
    [TestCase("450 retry in 5 lightyears")]
    [TestCase("550 5.7.1 try again in 5 minutes")]
    public void RetryHint_NoDelayNamed_IsNull(string line) =>
        Assert.That(RetryHint.In(SmtpReply.Of(int.Parse(line[..3]), line[4..])), Is.Null);
}
