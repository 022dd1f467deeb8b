using System.Text;
using NUnit.Framework;

namespace MailProxy.Tests.Ingest;

internal sealed class RawRulesTests
{
    private const string Head = "From: Ann <ann@x.example>\r\nTo: list@z.example\r\nSubject: =?utf-8?q?H=C3=B6?=\r\nMessage-ID: <one@x>\r\n";

    private static string Message(string raw, string more = "") =>
        $"{{\"to\":\"bob@y.example\",\"raw\":\"{Convert.ToBase64String(Encoding.UTF8.GetBytes(raw))}\"{more}}}";

    [Test]
    public void Judge_Raw_TakesSenderMessageIdAndSubjectFromIt()
    {
        var mail = Rules.Judge(Message(Head + "\r\nHello")).Mail!;

        Assert.That((mail.EnvelopeSender, mail.MessageIdHeader, mail.Subject), Is.EqualTo(("ann@x.example", "<one@x>", "Hö")));
        Assert.That(mail.Recipients, Is.EqualTo(new[] { "bob@y.example" }));
    }

    [TestCase("From: a@x\n\nbare line feeds")]
    [TestCase("From: a@x\r\n")]
    [TestCase("From: a@x")]
    [TestCase("From: a@x\r\nX-Long: folded\r\n over lines\r\n\r\n")]
    public void Judge_OddButReadableRaw_IsAcceptedWithOurMessageId(string raw) =>
        Assert.That(Rules.Judge(Message(raw)).Mail?.MessageIdHeader, Is.EqualTo($"<{Rules.NextId}@x>"));

    [Test]
    public void Judge_FromFieldBesideRaw_IsTheEnvelopeSender() =>
        Assert.That(Rules.Judge(Message(Head + "\r\n", ",\"from\":\"bounces@z.example\"")).Mail!.EnvelopeSender, Is.EqualTo("bounces@z.example"));

    [Test]
    public void Judge_HeadersLongerThanTheFirstLook_AreReadToTheirEnd()
    {
        var raw = string.Concat(Enumerable.Repeat("X-Filler: " + new string('x', 900) + "\r\n", 200)) + Head + "\r\n" + new string('y', 500_000);

        Assert.That(Rules.Judge(Message(raw)).Mail!.MessageIdHeader, Is.EqualTo("<one@x>"));
    }

    [TestCase("")]
    [TestCase("\r\n\r\nno headers")]
    [TestCase("Hello, this is no message at all")]
    [TestCase("Subject: no from\r\n\r\n")]
    [TestCase("From: nobody\r\n\r\n")]
    [TestCase("From: a@x\r\nFrom: b@x\r\n\r\n")]
    [TestCase("From: a@x\r\nMessage-ID: none\r\n\r\n")]
    [TestCase("From: a@x\r\nMessage-ID: <a@x>\r\nMessage-ID: <b@x>\r\n\r\n")]
    public void Judge_UnreadableRaw_IsRefused(string raw) =>
        Assert.That(Rules.Judge(Message(raw)).Errors(), Is.EqualTo(new[] { ("/raw", "malformed_raw") }));

    [TestCase("%%%")]
    [TestCase("RnJvbTogYUB4DQoNC")]
    [TestCase("RnJvbTog YUB4DQoNCg==")]
    public void Judge_RawThatIsNotBase64_IsRefused(string raw) =>
        Assert.That(Rules.Judge($"{{\"to\":\"b@y\",\"raw\":\"{raw}\"}}").Errors(), Is.EqualTo(new[] { ("/raw", "invalid_base64") }));

    [Test]
    public void Judge_SeveralFromAndNoSender_AsksForOne()
    {
        const string two = "From: a@x, b@x\r\n";

        Assert.That(Rules.Judge(Message(two + "\r\n")).Errors(), Is.EqualTo(new[] { ("/from", "required") }));
        Assert.That(Rules.Judge(Message(two + "Sender: b@x\r\n\r\n")).Mail!.EnvelopeSender, Is.EqualTo("b@x"));
    }

    [Test]
    public void Judge_RawBesideOtherContent_IsRefusedForEach()
    {
        var line = Rules.Judge(Message(Head + "\r\n", ",\"subject\":\"s\",\"text\":\"t\",\"html\":\"h\",\"headers\":{},\"attachments\":[]"));

        Assert.That(line.Errors(), Is.EqualTo(new[]
        {
            ("/subject", "raw_excludes"), ("/text", "raw_excludes"), ("/html", "raw_excludes"), ("/headers", "raw_excludes"), ("/attachments", "raw_excludes"),
        }));
    }

    [Test]
    public void Judge_FromHeaderThatTheAccountMayNotUse_IsRefusedThoughTheFieldIsAllowed()
    {
        var rules = Rules.With(Rules.Account(1, "a", fromAllowed: "@x.example"));

        Assert.That(Rules.Judge(Message(Head + "\r\n"), rules).Errors(), Is.Empty);
        Assert.That(Rules.Judge(Message("From: evil@z\r\n\r\n", ",\"from\":\"a@x.example\""), rules).Errors(), Is.EqualTo(new[] { ("/raw", "from_not_allowed") }));
    }
}
