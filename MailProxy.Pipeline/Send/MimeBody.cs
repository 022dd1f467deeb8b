using System.Buffers;
using System.Text;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MimeKit;
using MimeKit.Encodings;
using MimeKit.IO;
using MimeKit.IO.Filters;

namespace MailProxy.Pipeline.Send;

/// <summary>
/// The parts of a composed mail: mixed(alternative(text, related(html, inline…), calendar…), attachment…), as far as each is needed
/// (RFC 2046, RFC 2387). Every part is 7-bit safe.
/// </summary>
internal static class MimeBody
{
    // Space for what ArmoredFromFilter adds, up to 76 (RFC 2045 section 6.7).
    private const int QuotedLine = 74;

    private static readonly SearchValues<char> LineEnds = SearchValues.Create("\r\n");

    public static MimeEntity Of(MailDraft draft, IReadOnlyList<LocalContent?> files, IReadOnlyList<FileLink> links, MailContent content)
    {
        var attachments = draft.Attachments ?? [];
        if (links.Count > 0)
        {
            draft = draft with
            {
                // Rare, and so the text comes into memory even where it is long.
                Text = draft.Text is null && draft.Html is not null ? null : LinkFoot.Text(InMemory(draft.Text, content), links),
                Html = draft.Html is null ? null : LinkFoot.Html(InMemory(draft.Html, content)!, links),
            };
        }

        var boundaries = new Boundaries(content, draft);

        // Without HTML nobody links to an inline part, so it stands with the others.
        var parts = attachments
            .Select((a, i) => (Index: i, IsInline: a.InlineId is not null && draft.Html is not null, Draft: a))
            .Where(a => links.All(link => link.Index != a.Index))
            .Select(a => (a.IsInline, Part: MimeFile.Of(a.Draft, a.Index, a.Index < files.Count ? files[a.Index] : null, content.Spooled)))
            .ToList();
        var inline = parts.FindAll(static p => p.IsInline);
        MimeEntity? html = draft.Html is { } markup ? Text("html", markup, content.Spooled) : null;
        if (inline.Count > 0)
        {
            var related = Group("related", boundaries, [html!, .. inline.Select(static p => p.Part)]);
            related.ContentType.Parameters["type"] = "text/html";
            html = related;
        }

        var body = Bodies(draft, html, content.Spooled) switch
        {
            [] => Text("plain", "", null),
            [var only] => only,
            var several => Group("alternative", boundaries, several),
        };
        return parts.Count == inline.Count
            ? body
            : Group("mixed", boundaries, [body, .. parts.Where(static p => !p.IsInline).Select(static p => p.Part)]);
    }

    // The richest last (RFC 2046 section 5.1.4). Gmail and Outlook find an invitation behind the HTML, and other forms of HTML before it.
    private static List<MimeEntity> Bodies(MailDraft draft, MimeEntity? html, SpooledBody? spooled)
    {
        var bodies = new List<MimeEntity>();
        if (draft.Text is not null)
            bodies.Add(Text("plain", draft.Text, spooled));
        var others = draft.Alternatives ?? [];
        bodies.AddRange(others.Where(AlternativePart.IsOtherHtml).Select(AlternativePart.Of));
        if (html is not null)
            bodies.Add(html);
        bodies.AddRange(others.Where(static other => !AlternativePart.IsOtherHtml(other)).Select(AlternativePart.Of));
        return bodies;
    }

    private static Multipart Group(string subtype, Boundaries boundaries, IEnumerable<MimeEntity> parts)
    {
        var group = new Multipart(subtype) { Boundary = boundaries.Next() };
        foreach (var part in parts)
            group.Add(part);
        return group;
    }

    private static string? InMemory(string? text, MailContent content) => content.Spooled is { } spooled ? spooled.Text(text) : text;

    private static MimePart Text(string subtype, string text, SpooledBody? spooled)
    {
        if (spooled?.Find(text) is { } place)
            return new SpooledPart(new("text", subtype) { Charset = "utf-8" }, spooled, place);
        var part = new TextPart(subtype);
        text = WithCrLf(text);
        part.SetText(Encoding.UTF8, text);
        return part.SevenBit(text);
    }

    /// <summary>
    /// In the encoding that suits the text best (RFC 2045 section 6), and no line begins with "From ", which mailboxes quote.
    /// </summary>
    public static T SevenBit<T>(this T part, string text)
        where T : MimePart
    {
        part.Prepare(EncodingConstraint.SevenBit, HeaderFields.LongestLine);
        var plain = part.ContentTransferEncoding is ContentEncoding.Default or ContentEncoding.SevenBit;
        if (plain && HasFromLine(text))
            part.ContentTransferEncoding = ContentEncoding.QuotedPrintable;
        if (part.ContentTransferEncoding != ContentEncoding.QuotedPrintable)
            return part;
        var encoded = new MemoryStream();
        using (var content = part.Content!.Open())
        using (var filtered = new FilteredStream(encoded))
        {
            filtered.Add(new EncoderFilter(new QuotedPrintableEncoder(QuotedLine)));
            filtered.Add(new ArmoredFromFilter());
            content.CopyTo(filtered);
            filtered.Flush();
        }

        encoded.Position = 0;
        part.Content = new MimeContent(encoded, ContentEncoding.QuotedPrintable);
        return part;
    }

    private static bool HasFromLine(string text) =>
        text.StartsWith("From ", StringComparison.Ordinal) || text.Contains("\nFrom ", StringComparison.Ordinal);

    /// <summary>The canonical form of text (RFC 2046 section 4.1.1), before any encoding.</summary>
    public static string WithCrLf(string text)
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
}
