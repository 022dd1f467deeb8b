using System.Globalization;
using System.Net;
using System.Text;

namespace MailProxy.Pipeline.Mail;

/// <summary>The list of downloads at the end of a message. Pure: the same links give the same text in every attempt.</summary>
public static class LinkFoot
{
    private const string Heading = "Files to download";
    private const string BodyEnd = "</body",
        HtmlEnd = "</html";

    /// <summary>The plain text followed by the list. A null text is a message whose only plain text is the list.</summary>
    public static string Text(string? text, IReadOnlyList<FileLink> links)
    {
        var foot = new StringBuilder(text);
        if (foot.Length > 0)
            foot.Append(text!.EndsWith('\n') ? "\r\n" : "\r\n\r\n");
        foot.Append(Heading).Append(":\r\n");
        foreach (var link in links)
            foot.Append(
                CultureInfo.InvariantCulture,
                $"\r\n{Shown(link.Name)} ({Size(link.Size)}, until {Day(link.ExpiresAt)})\r\n{link.Url}\r\n"
            );
        return foot.ToString();
    }

    /// <summary>The HTML with the list at the end of its body, or at its very end when the body is not closed.</summary>
    public static string Html(string html, IReadOnlyList<FileLink> links)
    {
        var at = LastTag(html, BodyEnd);
        if (at < 0)
            at = LastTag(html, HtmlEnd);
        return at < 0 ? html + List(links) : html.Insert(at, List(links));
    }

    private static string List(IReadOnlyList<FileLink> links)
    {
        var list = new StringBuilder();
        list.Append("\r\n<div style=\"margin-top:1.5em;padding-top:1em;border-top:1px solid #ccc;font-family:sans-serif\">\r\n<p>")
            .Append(Heading)
            .Append(":</p>\r\n<ul>\r\n");
        foreach (var link in links)
        {
            list.Append("<li><a href=\"")
                .Append(WebUtility.HtmlEncode(link.Url))
                .Append("\">")
                .Append(WebUtility.HtmlEncode(Shown(link.Name)))
                .Append("</a> (")
                .Append(Size(link.Size))
                .Append(", until ")
                .Append(Day(link.ExpiresAt))
                .Append(")</li>\r\n");
        }

        return list.Append("</ul>\r\n</div>\r\n").ToString();
    }

    // The tag may have blanks before its bracket, but </bodyguard> must not match.
    private static int LastTag(string html, string tag)
    {
        for (
            var at = html.LastIndexOf(tag, StringComparison.OrdinalIgnoreCase);
            at >= 0;
            at = at == 0 ? -1 : html.LastIndexOf(tag, at - 1, StringComparison.OrdinalIgnoreCase)
        )
        {
            if (html.AsSpan(at + tag.Length).TrimStart().StartsWith('>'))
                return at;
        }

        return -1;
    }

    // Characters that break the line, or change the direction of text, could make the list misleading.
    private static string Shown(string name)
    {
        var shown = new StringBuilder(name.Length);
        foreach (var rune in name.EnumerateRunes())
        {
            var kind = Rune.GetUnicodeCategory(rune);
            if (kind == UnicodeCategory.Format)
                continue;
            if (kind is UnicodeCategory.Control or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator)
                shown.Append('_');
            else
                shown.Append(rune.ToString());
        }

        return shown.Length == 0 ? "attachment" : shown.ToString();
    }

    private static string Size(long bytes) =>
        bytes switch
        {
            < 1_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes} bytes"),
            < 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e3:0.#} KB"),
            < 1_000_000_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:0.#} MB"),
            _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e9:0.##} GB"),
        };

    private static string Day(long at) =>
        DateTimeOffset.FromUnixTimeMilliseconds(at).UtcDateTime.ToString("d MMMM yyyy, HH:mm", CultureInfo.InvariantCulture) + " UTC";
}
