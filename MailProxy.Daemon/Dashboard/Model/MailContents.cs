using System.Text;
using System.Text.RegularExpressions;
using MimeKit;

namespace MailProxy.Daemon.Dashboard.Model;

/// <summary>Takes out of a mail what a browser is given: its HTML with its own pictures, and attachments.</summary>
internal static partial class MailContents
{
    /// <summary>A mail beyond this is not taken apart; its source can be had from the API.</summary>
    public const int Largest = 8 << 20;

    // A picture may be named any number of times.
    private const int LargestHtml = 16 << 20;

    /// <summary>Null: it cannot be read as a mail.</summary>
    public static MimeMessage? Load(byte[] source)
    {
        try
        {
            return MimeMessage.Load(new MemoryStream(source));
        }
        catch (FormatException)
        {
            return null;
        }
    }

    /// <summary>
    /// The HTML with the pictures that the mail itself brings; what it would load from elsewhere stays out by the view's policy.
    /// </summary>
    public static string? Html(MimeMessage mail)
    {
        if (mail.HtmlBody is not { } html)
            return null;
        var pictures = mail
            .BodyParts.OfType<MimePart>()
            .Where(static part => part is { ContentId.Length: > 0, ContentType.MediaType: "image" })
            .GroupBy(static part => part.ContentId!, StringComparer.OrdinalIgnoreCase)
            .ToDictionary(static group => group.Key, static group => new Lazy<string>(() => DataUri(group.First())));
        var shown = new StringBuilder();
        var place = 0;
        foreach (Match named in Picture().Matches(html))
        {
            if (!pictures.TryGetValue(named.Groups[1].Value, out var picture) || shown.Length + picture.Value.Length > LargestHtml)
                continue;
            shown.Append(html, place, named.Index - place).Append(picture.Value);
            place = named.Index + named.Length;
        }

        return shown.Append(html, place, html.Length - place).ToString();
    }

    /// <summary>What is attached, in its order.</summary>
    public static IEnumerable<MimePart> Attached(MimeMessage mail) =>
        mail.BodyParts.OfType<MimePart>().Where(static part => part.IsAttachment || part is not TextPart);

    public static byte[] Bytes(MimePart part)
    {
        using var bytes = new MemoryStream();
        part.Content?.DecodeTo(bytes);
        return bytes.ToArray();
    }

    private static string DataUri(MimePart part) => $"data:{part.ContentType.MimeType};base64,{Convert.ToBase64String(Bytes(part))}";

    // RFC 2392.
    [GeneratedRegex("cid:([^\"'\\s>)]+)", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Picture();
}
