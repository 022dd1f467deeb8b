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

    public static MimeEntity Of(MailDraft draft, IReadOnlyList<LocalContent?> files, IReadOnlyList<FileLink> links, string messageId)
    {
        var boundaries = new Boundaries(messageId);
        var attachments = draft.Attachments ?? [];
        if (links.Count > 0)
        {
            draft = draft with
            {
                Text = draft.Text is null && draft.Html is not null ? null : LinkFoot.Text(draft.Text, links),
                Html = draft.Html is null ? null : LinkFoot.Html(draft.Html, links),
            };
        }

        // Without HTML nobody links to an inline part, so it stands with the others.
        var parts = attachments.Select((a, i) => (Index: i, IsInline: a.InlineId is not null && draft.Html is not null, Draft: a))
            .Where(a => links.All(link => link.Index != a.Index))
            .Select(a => (a.IsInline, Part: MimeFile.Of(a.Draft, a.Index, a.Index < files.Count ? files[a.Index] : null)))
            .ToList();
        var inline = parts.FindAll(static p => p.IsInline);
        MimeEntity? html = draft.Html is { } markup ? Text("html", markup) : null;
        if (inline.Count > 0)
        {
            var related = Group("related", boundaries, [html!, .. inline.Select(static p => p.Part)]);
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
        return parts.Count == inline.Count ? body : Group("mixed", boundaries, [body, .. parts.Where(static p => !p.IsInline).Select(static p => p.Part)]);
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
