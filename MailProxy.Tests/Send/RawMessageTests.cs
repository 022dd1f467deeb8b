using System.Text;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Send;
using NUnit.Framework;

namespace MailProxy.Tests.Send;

internal sealed class RawMessageTests
{
    private readonly SendOptions _options = new();

    private const string Own = "X-Mail-Key: default/m-1\r\nDate: Tue, 14 Nov 2023 22:13:20 +0000\r\nMessage-ID: <0190-fixed@x.example>\r\n";

    [TestCase("From: a@x\r\n\r\nbody\r\n", Own + "From: a@x\r\n\r\nbody\r\n")]
    [TestCase("From: a@x\n\nbody", Own + "From: a@x\r\n\r\nbody\r\n")]
    [TestCase("From: a@x\n\nbo\rdy\r", Own + "From: a@x\r\n\r\nbo\r\ndy\r\n")]
    [TestCase("From a@x Mon\nX-MAIL-KEY: v/1\nFrom: a@x\nReturn-Path: <r@x>\nReceived: x\n\n", Own + "From: a@x\r\nReceived: x\r\n\r\n")]
    [TestCase("From: a@x\n", Own + "From: a@x\r\n\r\n")]
    [TestCase(
        "From: a@x\nBcc: s@x,\n t@x\nSubject: y\nbcc : u@x\nResent-Bcc: v@x\n\nBcc: stays\n",
        Own + "From: a@x\r\nSubject: y\r\n\r\nBcc: stays\r\n"
    )]
    [TestCase(
        "Message-Id: <own@x>\ndate: then\nFrom: a@x\n\n.\n\n",
        "X-Mail-Key: default/m-1\r\nMessage-Id: <own@x>\r\ndate: then\r\nFrom: a@x\r\n\r\n.\r\n\r\n"
    )]
    [TestCase(
        "Subject:  keeps   its\n\t spaces \nFrom: a@x\n\nx  \n",
        Own + "Subject:  keeps   its\r\n\t spaces \r\nFrom: a@x\r\n\r\nx  \r\n"
    )]
    public void Compose_Raw_KeepsEveryOctetBut(string raw, string expected) => Assert.That(Compose(raw), Is.EqualTo(expected));

    [Test]
    public void Compose_RawWithoutKeyWhenAsked_HasNoKey()
    {
        _options.MailKeyInRaw = false;

        Assert.That(Compose("From: a@x\n\nx"), Does.StartWith("Date:"));
        _options.MailKeyInRaw = true;
    }

    [TestCase("From: a@x\n\ngrün\n", true, false)]
    [TestCase("From: a@x\n\ngreen\n", false, false)]
    [TestCase("From: a@x\nSubject: grün\n\ngreen\n", false, true)]
    [TestCase("From: Bär <a@x>\n\ngrün\n", true, true)]
    public void Compose_Raw_TellsWhatItNeedsOfTheServer(string raw, bool eightBit, bool smtpUtf8)
    {
        using var rendered = Render(raw);

        Assert.That((rendered.EightBit, rendered.NeedsSmtpUtf8), Is.EqualTo((eightBit, smtpUtf8)));
    }

    [Test]
    public void Compose_StoredRawWhoseHeaderIsNotUtf8_NeedsEightBitOnly()
    {
        var raw = Convert.ToBase64String(Encoding.Latin1.GetBytes("From: a@x\nSubject: grün\n\ngreen\n"));
        using var rendered = new MimeComposer(_options).Compose(Sample.Content($$"""{"to":"b@y.example","raw":"{{raw}}"}"""), [], [], null);

        Assert.That((rendered.EightBit, rendered.NeedsSmtpUtf8), Is.EqualTo((true, false)));
    }

    // A store may hold what a former version took.
    [TestCase("From: a@x\r\nX: a\rFrom: ceo@y\r\n\r\nhi")]
    [TestCase("X: a\rFrom: ceo@y\r\r\nFrom: a@x\r\n\r\nhi")]
    [TestCase("From: a@x\r\nFrom : ceo@y\r\n\r\nhi")]
    public void Compose_StoredRawWhoseFromIsNotCertain_IsNotSent(string raw) =>
        Assert.That(Assert.Throws<UnsendableException>(() => Compose(raw))!.EnhancedCode, Is.EqualTo("5.6.0"));

    private RenderedMail Render(string raw) =>
        new MimeComposer(_options).Compose(
            Sample.Content($$"""{"to":"b@y.example","raw":"{{Convert.ToBase64String(Encoding.UTF8.GetBytes(raw))}}"}"""),
            [],
            [],
            null
        );

    private string Compose(string raw)
    {
        using var rendered = Render(raw);
        return Encoding.UTF8.GetString(rendered.Bytes.Span);
    }
}
