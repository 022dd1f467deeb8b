using System.Text;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Send;
using MimeKit;
using NUnit.Framework;

namespace MailProxy.Tests.Send;

internal sealed class AlternativesTests
{
    private const string Invitation = "BEGIN:VCALENDAR\nMETHOD:REQUEST\nSUMMARY:Müller\nEND:VCALENDAR\n";

    [Test]
    public void Compose_Invitation_StandsBehindTheHtml()
    {
        var alternative = (Multipart)Compose(
            "<p>h",
            ("text/calendar; method=REQUEST", Invitation),
            ("text/x-amp-html", "<html amp4email>")
        );
        Assert.That(alternative.ContentType.MimeType, Is.EqualTo("multipart/alternative"));
        Assert.That(
            alternative.Select(static part => part.ContentType.MimeType),
            Is.EqualTo(new[] { "text/plain", "text/x-amp-html", "text/html", "text/calendar" })
        );
        var calendar = (TextPart)alternative[3];
        Assert.That(
            (calendar.ContentType.Parameters["method"], calendar.ContentType.Charset, calendar.IsAttachment),
            Is.EqualTo(("REQUEST", "utf-8", false))
        );
        using var octets = new MemoryStream();
        calendar.Content!.DecodeTo(octets);
        Assert.That(Encoding.UTF8.GetString(octets.ToArray()), Is.EqualTo(Invitation.ReplaceLineEndings("\r\n")));
    }

    [Test]
    public void Compose_InvitationBesideTextAlone_MakesAnAlternativeOfThem()
    {
        var alternative = (Multipart)Compose(null, ("text/calendar; charset=UTF-8; method=CANCEL", Invitation));
        Assert.That(alternative.Select(static part => part.ContentType.MimeType), Is.EqualTo(new[] { "text/plain", "text/calendar" }));
        Assert.That(
            alternative[1].ContentType.Parameters.Select(static p => $"{p.Name}={p.Value}"),
            Is.EqualTo(new[] { "charset=UTF-8", "method=CANCEL" })
        );
    }

    [Test]
    public void Compose_OtherCharset_WritesItsOctets()
    {
        var part = (MimePart)((Multipart)Compose(null, ("text/calendar; charset=iso-8859-1", "Müller")))[1];
        using var octets = new MemoryStream();
        part.Content!.DecodeTo(octets);
        Assert.That(octets.ToArray(), Is.EqualTo(Encoding.Latin1.GetBytes("Müller")));
    }

    [Test]
    public void Compose_NotText_IsLeftAsItIs()
    {
        var part = (MimePart)((Multipart)Compose(null, ("application/json", "{\n}")))[1];
        using var octets = new MemoryStream();
        part.Content!.DecodeTo(octets);
        Assert.That(
            (part.ContentType.MimeType, part.ContentType.Charset, Encoding.UTF8.GetString(octets.ToArray())),
            Is.EqualTo(("application/json", (string?)null, "{\n}"))
        );
    }

    private static MimeEntity Compose(string? html, params (string Type, string Content)[] alternatives)
    {
        var json = new JsonObject
        {
            ["from"] = "a@x.example",
            ["to"] = "b@y.example",
            ["text"] = "t",
        };
        if (html is not null)
            json["html"] = html;
        json["alternatives"] = new JsonArray([
            .. alternatives.Select(static a => new JsonObject { ["content_type"] = a.Type, ["content"] = a.Content }),
        ]);
        using var rendered = new MimeComposer(new()).Compose(Sample.Content(json.ToJsonString()), [], [], null);
        MailLines.Check(rendered.Bytes.Span, international: false);
        return MimeMessage.Load(new MemoryStream(rendered.Bytes.ToArray())).Body!;
    }
}
