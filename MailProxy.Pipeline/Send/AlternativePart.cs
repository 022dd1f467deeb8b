using MailProxy.Pipeline.Mail;
using MimeKit;

namespace MailProxy.Pipeline.Send;

/// <summary>A further body of the message, such as an invitation (RFC 6047).</summary>
internal static class AlternativePart
{
    /// <summary>AMP and Apple's watch: readers show the last form they know, so these stand before the HTML of all others.</summary>
    public static bool IsOtherHtml(AlternativeDraft other) =>
        ContentType.TryParse(other.ContentType, out var type)
        && (type.IsMimeType("text", "x-amp-html") || type.IsMimeType("text", "watch-html"));

    public static MimeEntity Of(AlternativeDraft other)
    {
        var type = ContentType.Parse(other.ContentType ?? "");
        var text = type.IsMimeType("text", "*");
        var charset = AlternativeCharset.Of(type) ?? throw new FormatException("The content of an alternative does not fit its charset.");
        var written = text ? MimeBody.WithCrLf(other.Content ?? "") : other.Content ?? "";
        var part = new MimePart(type) { Content = new MimeContent(new MemoryStream(charset.GetBytes(written), writable: false)) };
        if (text)
            part.SevenBit(written);
        else
            part.ContentTransferEncoding = ContentEncoding.Base64;

        var parameters = type.Parameters.Select(static p => (p.Name, p.Value)).ToList();
        if (text && string.IsNullOrEmpty(type.Charset))
            parameters.Add(("charset", "utf-8"));
        part.Headers.Replace(FieldParameters.Field(HeaderId.ContentType, type.MimeType, parameters));
        return part;
    }
}
