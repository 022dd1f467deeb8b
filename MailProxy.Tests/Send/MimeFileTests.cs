using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using MailProxy.Pipeline.Send;
using MimeKit;
using NUnit.Framework;

namespace MailProxy.Tests.Send;

internal sealed partial class MimeFileTests
{
    [TestCase("😀😀😀😀😀😀😀😀.pdf")]
    [TestCase("𝔘𝔫𝔦𝔠𝔬𝔡𝔢 und noch viel mehr, bis es für eine Zeile zu lang ist 𝔘𝔫𝔦𝔠𝔬𝔡𝔢.txt")]
    [TestCase("Ü'b%r (1); \"x\".txt")]
    [TestCase("a name of plain words that is longer than any line should be, but has nothing in it that asks for an encoding.txt")]
    public void Compose_FileName_ReadsBackWhole(string name)
    {
        var mail = Compose(("application/pdf", "x"u8.ToArray(), name));
        var file = (MimePart)((Multipart)Parse(mail))[1];
        var safe = name.Replace('"', '_');
        Assert.That((file.FileName, file.ContentType.Name), Is.EqualTo((safe, safe)));
        foreach (Match piece in Piece().Matches(mail))
            Assert.That(new UTF8Encoding(false, true).GetString(Unescaped(piece.Groups[1].Value)), Is.Not.Empty, piece.Value);
    }

    [TestCase("text/plain; charset=iso-8859-1; format=flowed; delsp=yes")]
    [TestCase("text/calendar; method=REQUEST; charset=utf-8")]
    [TestCase("application/x; a=\"b\\\"c d\"")]
    public void Compose_TypeWithParameters_KeepsThem(string type)
    {
        var written = ContentType.Parse(type);
        var file = ((Multipart)Parse(Compose((type, "x"u8.ToArray(), "n"))))[1].ContentType;
        Assert.That(file.MimeType, Is.EqualTo(written.MimeType));
        Assert.That(
            file.Parameters.Select(static p => (p.Name, p.Value)),
            Is.EqualTo(written.Parameters.Select(static p => (p.Name, p.Value)).Append(("name", "n")))
        );
    }

    [TestCase("Subject: x\n\nhello\r.\r\nMAIL FROM:<e@x>\r\n")]
    [TestCase("Subject: x\n\nhello\r\r\n")]
    [TestCase("Subject: x\r\rhello")]
    [TestCase("Subject: x\n\nhello\0")]
    public void Compose_MessageThatCannotGoOutAsItIs_IsSentAsOctets(string content)
    {
        foreach (
            var type in (string[])
                [
                    "message/rfc822",
                    "message/delivery-status",
                    "message/disposition-notification",
                    "message/partial; id=a@b; number=1",
                    "message/global",
                    "message/http",
                ]
        )
        {
            var file = (MimePart)((Multipart)Parse(Compose((type, Encoding.ASCII.GetBytes(content), "m.eml"))))[1];
            using var octets = new MemoryStream();
            file.Content!.DecodeTo(octets);
            Assert.That(
                (file.ContentType.MimeType, Encoding.ASCII.GetString(octets.ToArray())),
                Is.EqualTo(("application/octet-stream", content)),
                type
            );
        }
    }

    [Test]
    public void Compose_MessageWithLf_GoesOutWithCrLf() =>
        Assert.That(
            Compose(("message/rfc822", "Subject: x\n\nFrom here\n.\n"u8.ToArray(), "m.eml")),
            Does.Contain("\r\n\r\nSubject: x\r\n\r\nFrom here\r\n.\r\n")
        );

    [TestCase("logo")]
    [TestCase("a,b:c;d@e@f")]
    public void Compose_InlineId_StandsAsItIs(string id)
    {
        var json = new JsonObject
        {
            ["from"] = "a@x.example",
            ["to"] = "b@y.example",
            ["html"] = "<p>",
        };
        json["attachments"] = new JsonArray(
            new JsonObject
            {
                ["filename"] = "i.png",
                ["content"] = "AAEC",
                ["inline_id"] = id,
            }
        );
        Assert.That(Compose(json), Does.Contain($"\r\nContent-Id: <{id}>\r\n"));
    }

    [Test]
    public void Boundaries_ContentThatHasAnOlderOne_IsNotCut()
    {
        // Learned from the same mail without the line, with a Message-ID of the sender's own.
        var first = Compose(Texts("x"));
        var boundary = Boundary().Match(first).Groups[1].Value;
        var second = Compose(Texts($"Dear\n--{boundary}\nContent-Type: text/html\n\n<b>x</b>\n--{boundary}--"));
        Assert.That(
            ((Multipart)Parse(second)).Select(static part => part.ContentType.MimeType),
            Is.EqualTo(new[] { "text/plain", "application/octet-stream" })
        );
        Assert.That(Boundary().Match(second).Groups[1].Value, Is.Not.EqualTo(boundary));
    }

    [Test]
    public void Boundaries_SameContentInAnotherMail_AreOthers()
    {
        var (one, other) = (Compose(Texts("x"), "m-1"), Compose(Texts("x"), "m-2"));
        Assert.That(Boundary().Match(other).Value, Is.Not.EqualTo(Boundary().Match(one).Value));
        Assert.That(Compose(Texts("x"), "m-1"), Is.EqualTo(one), "the same in every attempt");
    }

    [Test]
    public void Compose_LineThatBeginsWithFrom_IsArmoured()
    {
        var mail = Compose(
            new JsonObject
            {
                ["from"] = "a@x.example",
                ["to"] = "b@y.example",
                ["text"] = "From x\nFrom ü\n.From",
                ["html"] = "<p>\nFrom x",
            }
        );
        Assert.That(mail, Does.Not.Contain("\r\nFrom x").And.Not.Contain("\r\nFrom =").And.Contain("=46rom x"));
        var bodies = (Multipart)Parse(mail);
        Assert.That(((TextPart)bodies[0]).Text.ReplaceLineEndings("\n"), Is.EqualTo("From x\nFrom ü\n.From"));
        Assert.That(((TextPart)bodies[1]).Text.ReplaceLineEndings("\n"), Is.EqualTo("<p>\nFrom x"));
    }

    private static JsonObject Texts(string text) =>
        new()
        {
            ["from"] = "a@x.example",
            ["to"] = "b@y.example",
            ["text"] = text,
            ["headers"] = new JsonObject { ["Message-ID"] = "<order-1@x.example>" },
            ["attachments"] = new JsonArray(new JsonObject { ["filename"] = "a", ["content"] = "AAEC" }),
        };

    private static string Compose((string Type, byte[] Content, string Name) file)
    {
        var json = new JsonObject
        {
            ["from"] = "a@x.example",
            ["to"] = "b@y.example",
            ["text"] = "t",
        };
        json["attachments"] = new JsonArray(
            new JsonObject
            {
                ["filename"] = file.Name,
                ["content_type"] = file.Type,
                ["content"] = Convert.ToBase64String(file.Content),
            }
        );
        return Compose(json);
    }

    private static string Compose(JsonObject json, string id = "m-1")
    {
        using var rendered = new MimeComposer(new()).Compose(
            Sample.Content(json.ToJsonString()) with
            {
                Key = new("default", id),
            },
            [],
            [],
            null
        );
        MailLines.Check(rendered.Bytes.Span, international: false);
        return Encoding.ASCII.GetString(rendered.Bytes.Span);
    }

    private static MimeEntity Parse(string mail) => MimeMessage.Load(new MemoryStream(Encoding.ASCII.GetBytes(mail))).Body!;

    private static byte[] Unescaped(string piece) =>
        [.. Octet().Matches(piece).Select(static m => m.Value is ['%', .. var hex] ? Convert.ToByte(hex, 16) : (byte)m.Value[0])];

    [GeneratedRegex(@"name\*(?:\d+\*)?=(?:utf-8'')?([^;\r]*)")]
    private static partial Regex Piece();

    [GeneratedRegex("%[0-9A-F]{2}|.")]
    private static partial Regex Octet();

    [GeneratedRegex("boundary=\"(.*?)\"")]
    private static partial Regex Boundary();
}
