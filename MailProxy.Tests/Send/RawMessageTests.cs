using System.Text;
using MailProxy.Pipeline.Send;
using NUnit.Framework;

namespace MailProxy.Tests.Send;

internal sealed class RawMessageTests
{
    private readonly SendOptions _options = new();

    private const string Own = "X-Mail-Key: default/m-1\r\nDate: Tue, 14 Nov 2023 22:13:20 +0000\r\nMessage-ID: <0190-fixed@x.example>\r\n";

    [TestCase("From: a@x\r\n\r\nbody\r\n", Own + "From: a@x\r\n\r\nbody\r\n")]
    [TestCase("From: a@x\n\nbody", Own + "From: a@x\r\n\r\nbody\r\n")]
    [TestCase("From: a@x\r\rbody\r", Own + "From: a@x\r\n\r\nbody\r\n")]
    [TestCase("From: a@x\n", Own + "From: a@x\r\n\r\n")]
    [TestCase("From: a@x\nBcc: s@x,\n t@x\nSubject: y\nbcc : u@x\nResent-Bcc: v@x\n\nBcc: stays\n", Own + "From: a@x\r\nSubject: y\r\n\r\nBcc: stays\r\n")]
    [TestCase("Message-Id: <own@x>\ndate: then\nFrom: a@x\n\n.\n\n", "X-Mail-Key: default/m-1\r\nMessage-Id: <own@x>\r\ndate: then\r\nFrom: a@x\r\n\r\n.\r\n\r\n")]
    [TestCase("Subject:  keeps   its\n\t spaces \nFrom: a@x\n\nx  \n", Own + "Subject:  keeps   its\r\n\t spaces \r\nFrom: a@x\r\n\r\nx  \r\n")]
    public void Compose_Raw_KeepsEveryOctetBut(string raw, string expected) => Assert.That(Compose(raw), Is.EqualTo(expected));

    [Test]
    public void Compose_RawWithoutKeyWhenAsked_HasNoKey()
    {
        _options.MailKeyInRaw = false;

        Assert.That(Compose("From: a@x\n\nx"), Does.StartWith("Date:"));
        _options.MailKeyInRaw = true;
    }

    [TestCase("From: a@x\n\ngrün\n", true)]
    [TestCase("From: a@x\n\ngreen\n", false)]
    public void Compose_Raw_TellsWhetherItIsEightBit(string raw, bool expected)
    {
        using var rendered = Render(raw);

        Assert.That(rendered.EightBit, Is.EqualTo(expected));
    }

    private RenderedMail Render(string raw) =>
        new MimeComposer(_options).Compose(Sample.Content($$"""{"to":"b@y.example","raw":"{{Convert.ToBase64String(Encoding.UTF8.GetBytes(raw))}}"}"""), [], [], null);

    private string Compose(string raw)
    {
        using var rendered = Render(raw);
        return Encoding.UTF8.GetString(rendered.Bytes.Span);
    }
}
