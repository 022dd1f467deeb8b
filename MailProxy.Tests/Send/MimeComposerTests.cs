using System.Text;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Send;
using MimeKit;
using NUnit.Framework;

namespace MailProxy.Tests.Send;

internal sealed class MimeComposerTests
{
    private readonly SendOptions _options = new();

    [Test]
    public void Compose_TextOnly_IsExactlyThis() =>
        Assert.That(
            Compose(Sample.Simple),
            Is.EqualTo(
                "X-Mail-Key: default/m-1\r\n"
                    + "From: a@x.example\r\n"
                    + "To: b@y.example\r\n"
                    + "Subject: Hi\r\n"
                    + "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"
                    + "Message-ID: <0190-fixed@x.example>\r\n"
                    + "MIME-Version: 1.0\r\n"
                    + "Content-Type: text/plain; charset=utf-8\r\n"
                    + "\r\n"
                    + "Hello\r\n"
            )
        );

    [Test]
    public void Compose_Twice_GivesTheSameOctets()
    {
        const string json =
            """{"from":"a@x.example","to":"b@y.example","subject":"é","text":"ü","html":"<p>ü<img src=\"cid:i\">","attachments":[{"filename":"i.png","inline_id":"i","content":"AAEC"},{"filename":"b.pdf","content":"AAEC"}]}""";

        var first = Compose(json);
        Assert.That(Compose(json), Is.EqualTo(first));
    }

    [Test]
    public void Compose_TextAndHtmlAndFiles_NestsTheParts()
    {
        var message = Parse(
            """{"from":"a@x.example","to":"b@y.example","text":"t","html":"<p>h","attachments":[{"filename":"i.png","inline_id":"logo@x","content":"AAEC"},{"filename":"b.pdf","content":"AwQF"}]}"""
        );

        var mixed = (Multipart)message.Body!;
        var alternative = (Multipart)mixed[0];
        var related = (Multipart)alternative[1];
        Assert.That(mixed.ContentType.MimeType, Is.EqualTo("multipart/mixed"));
        Assert.That(alternative.ContentType.MimeType, Is.EqualTo("multipart/alternative"));
        Assert.That(related.ContentType.MimeType, Is.EqualTo("multipart/related"));
        Assert.That(related.ContentType.Parameters["type"], Is.EqualTo("text/html"));
        Assert.That(((TextPart)alternative[0]).Text, Is.EqualTo("t").Or.EqualTo("t\r\n"));
        Assert.That(((TextPart)related[0]).Text, Does.StartWith("<p>h"));
        Assert.That((related[1].ContentId, related[1].ContentType.MimeType), Is.EqualTo(("logo@x", "image/png")));
        Assert.That(Bytes(related[1]), Is.EqualTo(new byte[] { 0, 1, 2 }));
        Assert.That(mixed[1].IsAttachment, Is.True);
        Assert.That(((MimePart)mixed[1]).FileName, Is.EqualTo("b.pdf"));
        Assert.That(Bytes(mixed[1]), Is.EqualTo(new byte[] { 3, 4, 5 }));
    }

    [Test]
    public void Compose_InlineWithoutHtml_StandsWithTheAttachments()
    {
        var mixed = (Multipart)
            Parse(
                """{"from":"a@x.example","to":"b@y.example","text":"t","attachments":[{"filename":"i.png","inline_id":"i","content":"AAEC"}]}"""
            ).Body!;

        Assert.That((mixed.ContentType.MimeType, mixed.Count, mixed[1].ContentId), Is.EqualTo(("multipart/mixed", 2, "i")));
    }

    [Test]
    public void Compose_International_ParsesBackAndIsSevenBit()
    {
        const string json =
            """{"from":{"email":"a@x.example","name":"Åsa Öberg, \"CEO\""},"to":["Jürgen <b@münchen.example>"],"reply_to":"田中 <t@x.example>","subject":"Grüße aus 東京, und noch viel mehr Text, damit die Zeile gefaltet werden muss: żółć","text":"Zażółć gęślą jaźń 🙂","headers":{"X-Note":"naïve"},"attachments":[{"filename":"Übersicht 東京 mit einem sehr langen Namen der in mehrere Teile zerlegt werden muss.pdf","content":"AAEC"}]}""";
        var text = Compose(json);
        var message = Parse(json);

        Assert.That(Ascii.IsValid(text), Is.True);
        Assert.That(message.From.Mailboxes.Single().Name, Is.EqualTo("Åsa Öberg, \"CEO\""));
        Assert.That(message.To.Mailboxes.Single().Name, Is.EqualTo("Jürgen"));
        Assert.That(text, Does.Contain("b@xn--mnchen-3ya.example"));
        Assert.That(message.ReplyTo.Mailboxes.Single().Name, Is.EqualTo("田中"));
        Assert.That(message.Subject, Is.EqualTo("Grüße aus 東京, und noch viel mehr Text, damit die Zeile gefaltet werden muss: żółć"));
        Assert.That(message.Headers["X-Note"], Is.EqualTo("naïve"));
        Assert.That(message.TextBody!.TrimEnd(), Is.EqualTo("Zażółć gęślą jaźń 🙂"));
        Assert.That(
            message.Attachments.OfType<MimePart>().Single().FileName,
            Is.EqualTo("Übersicht 東京 mit einem sehr langen Namen der in mehrere Teile zerlegt werden muss.pdf")
        );
        Assert.That(text, Does.Contain("filename*0*="));
    }

    [Test]
    public void Compose_InternationalLocalPart_NeedsSmtpUtf8()
    {
        using var rendered = Render(Sample.Content("""{"from":"a@x.example","to":"bøb@y.example","text":"t"}"""));

        Assert.That(rendered.NeedsSmtpUtf8, Is.True);
        Assert.That(Encoding.UTF8.GetString(rendered.Bytes.Span), Does.Contain("To: bøb@y.example\r\n"));
    }

    [Test]
    public void Compose_LongLines_AreNeverLongerThan998()
    {
        var text = Compose(
            $$"""{"from":"a@x.example","to":"b@y.example","subject":"{{string.Join(' ', Enumerable.Repeat("word", 500))}}","text":"{{new string('x', 5000)}}","html":"{{new string('y', 5000)}}","headers":{"X-Long":"{{string.Join(' ', Enumerable.Repeat("word", 500))}}" } }"""
        );

        Assert.That(text.Split("\r\n").Max(line => line.Length), Is.LessThanOrEqualTo(998));
        Assert.That(Parse(text, already: true).TextBody!.TrimEnd(), Is.EqualTo(new string('x', 5000)));
    }

    [TestCase("a\\nb\\r\\nc\\rd", "a\r\nb\r\nc\r\nd")]
    [TestCase("ä\\nb\\r\\nc\\rd", "ä\r\nb\r\nc\r\nd")]
    [TestCase("a\\u0000b", "a\0b")]
    [TestCase("From here\\n.dot", "From here\r\n.dot")]
    [TestCase("", "")]
    public void Compose_TextWithOddLineEnds_ComesOutCanonical(string json, string expected) =>
        Assert.That(DecodedText(Compose($$"""{"from":"a@x.example","to":"b@y.example","text":"{{json}}"}""")), Is.EqualTo(expected));

    [Test]
    public void Compose_Bcc_NeverComesOut()
    {
        var text = Compose("""{"from":"a@x.example","bcc":"secret@y.example","text":"t"}""");

        Assert.That(text, Does.Not.Contain("secret").And.Not.Contain("Bcc"));
        Assert.That(text, Does.Contain("To: undisclosed-recipients:;\r\n"));
    }

    [Test]
    public void Compose_ClientsMessageId_StandsOnce()
    {
        var content = Sample.Content(
            """{"from":"a@x.example","to":"b@y.example","text":"t","headers":{"Message-ID":"<own@x.example>"}}"""
        ) with
        {
            MessageIdHeader = "<own@x.example>",
        };

        using var rendered = Render(content);
        Assert.That(Encoding.ASCII.GetString(rendered.Bytes.Span).Split("Message-ID: <own@x.example>\r\n"), Has.Length.EqualTo(2));
    }

    [Test]
    public void Compose_LongMailKey_IsOneLine()
    {
        var content = Sample.Content() with { Key = new(new('t', 63), new('i', 128)) };

        using var rendered = Render(content);
        Assert.That(
            Encoding.ASCII.GetString(rendered.Bytes.Span),
            Does.StartWith($"X-Mail-Key: {content.Key.Tenant}/{content.Key.Id}\r\n")
        );
    }

    [Test]
    public void Compose_MailKeyOff_IsAbsent()
    {
        _options.MailKeyHeader = "";

        Assert.That(Compose(Sample.Simple), Does.StartWith("From:"));
        _options.MailKeyHeader = new SendOptions().MailKeyHeader;
    }

    [Test]
    public void Compose_AttachedMessage_IsNotBase64()
    {
        var seven = Convert.ToBase64String("Subject: x\r\n\r\nbody\r\n"u8);
        var eight = Convert.ToBase64String("Subject: x\r\n\r\nbödy\r\n"u8);
        var mixed = (Multipart)
            Parse(
                $$"""{"from":"a@x.example","to":"b@y.example","text":"t","attachments":[{"filename":"a.eml","content_type":"message/rfc822","content":"{{seven}}"},{"filename":"b.eml","content_type":"message/rfc822","content":"{{eight}}"}]}"""
            ).Body!;

        Assert.That(((MessagePart)mixed[1]).Message!.Subject, Is.EqualTo("x"));
        Assert.That(mixed[2].ContentType.MimeType, Is.EqualTo("application/octet-stream"));
    }

    [TestCase("not json")]
    [TestCase("null")]
    [TestCase("""{"raw":"%%%"}""")]
    public void Compose_UnreadableContent_IsUnsendable(string json) =>
        Assert.That(() => Compose(json), Throws.TypeOf<UnsendableException>().With.Property("EnhancedCode").EqualTo("5.6.0"));

    [Test]
    public void Compose_Header_EndsBeforeTheEmptyLine()
    {
        using var rendered = Render(Sample.Content());

        Assert.That(
            Encoding.ASCII.GetString(rendered.Bytes.Span[(rendered.HeaderLength - 2)..(rendered.HeaderLength + 2)]),
            Is.EqualTo("\r\n\r\n")
        );
        Assert.That(rendered.EightBit, Is.False);
    }

    private RenderedMail Render(MailContent content) => new MimeComposer(_options).Compose(content, [], [], null);

    private string Compose(string json)
    {
        using var rendered = Render(Sample.Content(json));
        return Encoding.UTF8.GetString(rendered.Bytes.Span);
    }

    private MimeMessage Parse(string json, bool already = false) =>
        MimeMessage.Load(new MemoryStream(Encoding.UTF8.GetBytes(already ? json : Compose(json))));

    private static byte[] Bytes(MimeEntity part)
    {
        using var bytes = new MemoryStream();
        ((MimePart)part).Content!.DecodeTo(bytes);
        return bytes.ToArray();
    }

    // The last line end belongs to the transport unless the text had one.
    private static string DecodedText(string message)
    {
        var text = Encoding.UTF8.GetString(Bytes(MimeMessage.Load(new MemoryStream(Encoding.UTF8.GetBytes(message))).Body!));
        return text.EndsWith("\r\n", StringComparison.Ordinal) ? text[..^2] : text;
    }
}
