using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using MailProxy.Pipeline.Mail;
using MimeKit;

namespace MailProxy.Pipeline.Send;

/// <summary>The parts of a composed mail: mixed(alternative(text, related(html, inline…)), attachment…), as far as each is needed (RFC 2046, RFC 2387). Every part is 7-bit safe.</summary>
internal static class MimeBody
{
    /// <summary>RFC 5322 section 2.1.1.</summary>
    public const int LongestLine = 998;

    private static readonly SearchValues<char> LineEnds = SearchValues.Create("\r\n");

    public static MimeEntity Of(MailDraft draft, string messageId)
    {
        var boundaries = new Boundaries(messageId);
        var attachments = draft.Attachments ?? [];

        // Without HTML nobody links to an inline part, so it stands with the others.
        var inline = draft.Html is null ? [] : attachments.FindAll(static a => a.InlineId is not null);
        MimeEntity? html = draft.Html is { } markup ? Text("html", markup) : null;
        if (inline.Count > 0)
        {
            var related = Group("related", boundaries, [html!, .. inline.Select(Part)]);
            related.ContentType.Parameters["type"] = "text/html";
            html = related;
        }

        MimeEntity body = (draft.Text, html) switch
        {
            (null, null) => Text("plain", ""),
            (null, _) => html,
            (_, null) => Text("plain", draft.Text),
            _ => Group("alternative", boundaries, [Text("plain", draft.Text), html]),
        };
        return attachments.Count == inline.Count ? body : Group("mixed", boundaries, [body, .. attachments.Except(inline).Select(Part)]);
    }

    private static Multipart Group(string subtype, Boundaries boundaries, IEnumerable<MimeEntity> parts)
    {
        var group = new Multipart(subtype) { Boundary = boundaries.Next() };
        foreach (var part in parts) group.Add(part);
        return group;
    }

    private static TextPart Text(string subtype, string text)
    {
        var part = new TextPart(subtype);
        part.SetText(Encoding.UTF8, WithCrLf(text));
        part.Prepare(EncodingConstraint.SevenBit, LongestLine);
        return part;
    }

    private static MimePart Part(AttachmentDraft attachment)
    {
        var bytes = Convert.FromBase64String(attachment.Content ?? "");
        var name = attachment.Filename;
        var type = Type(attachment, name);
        var encoding = ContentEncoding.Base64;
        if (type.IsMimeType("message", "*") || type.IsMimeType("multipart", "*"))
        {
            // RFC 2046 section 5.2 allows such types no base64: they go as they are, or as plain octets.
            if (IsSevenBit(bytes)) encoding = ContentEncoding.SevenBit;
            else type = new ContentType("application", "octet-stream");
        }

        return new MimePart(type)
        {
            Content = new MimeContent(new MemoryStream(bytes, writable: false)),
            ContentTransferEncoding = encoding,
            ContentDisposition = new(attachment.InlineId is null ? ContentDisposition.Attachment : ContentDisposition.Inline),
            ContentId = attachment.InlineId,
            FileName = name,
        };
    }

    private static ContentType Type(AttachmentDraft attachment, string? name)
    {
        if (attachment.ContentType is { } written) return ContentType.TryParse(written, out var parsed) ? parsed : new("application", "octet-stream");
        return ContentType.Parse(MimeTypes.GetMimeType(name ?? ""));
    }

    private static bool IsSevenBit(ReadOnlySpan<byte> bytes)
    {
        if (!Ascii.IsValid(bytes) || bytes.Contains((byte)0)) return false;
        foreach (var line in bytes.Split((byte)'\n'))
        {
            if (bytes[line].Length > LongestLine) return false;
        }

        return true;
    }

    /// <summary>The canonical form of text (RFC 2046 section 4.1.1), before any encoding.</summary>
    private static string WithCrLf(string text)
    {
        var rest = text.AsSpan();
        StringBuilder? canonical = null;
        for (var at = rest.IndexOfAny(LineEnds); at >= 0; at = rest.IndexOfAny(LineEnds))
        {
            var pair = rest[at] == '\r' && at + 1 < rest.Length && rest[at + 1] == '\n';
            canonical ??= new(text.Length + 64);
            canonical.Append(rest[..at]).Append("\r\n");
            rest = rest[(pair ? at + 2 : at + 1)..];
        }

        return canonical is null ? text : canonical.Append(rest).ToString();
    }

    /// <summary>The same for the same Message-ID, and nothing that a text can contain by chance; "=_" never occurs in quoted-printable.</summary>
    private sealed class Boundaries(string messageId)
    {
        private readonly string _root = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(messageId)).AsSpan(0, 16));
        private int _count;

        public string Next() => $"=_{_root}-{++_count}";
    }
}
