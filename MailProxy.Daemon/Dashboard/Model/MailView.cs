using MimeKit;

namespace MailProxy.Daemon.Dashboard.Model;

/// <summary>A mail as its reader would see it, taken apart for showing.</summary>
internal sealed class MailView
{
    private readonly MimeMessage _mail;

    private MailView(MimeMessage mail) => _mail = mail;

    /// <summary>Null: it cannot be read as a mail.</summary>
    public static MailView? Read(byte[] source)
    {
        try
        {
            return new(MimeMessage.Load(new MemoryStream(source)));
        }
        catch (FormatException)
        {
            return null;
        }
    }

    public string? Text => _mail.TextBody;

    public bool HasHtml => _mail.HtmlBody is not null;

    public IReadOnlyList<(string Name, string Value)> Headers => [.. _mail.Headers.Select(static header => (header.Field, header.Value))];

    public IReadOnlyList<AttachmentView> Attachments =>
        [
            .. _mail
                .BodyParts.OfType<MimePart>()
                .Where(part => part.IsAttachment || part is not TextPart)
                .Select(static (part, i) => new AttachmentView(i, part.FileName ?? "(no name)", part.ContentType.MimeType, Size(part))),
        ];

    /// <summary>
    /// The HTML with the pictures that the mail itself brings; what it would load from elsewhere stays out by the view's policy.
    /// </summary>
    public string? Html()
    {
        if (_mail.HtmlBody is not { } html)
            return null;
        foreach (var part in _mail.BodyParts.OfType<MimePart>())
        {
            if (part.ContentId is { Length: > 0 } id && part.ContentType.MediaType == "image")
                html = html.Replace("cid:" + id, DataUri(part), StringComparison.OrdinalIgnoreCase);
        }

        return html;
    }

    /// <summary>An attachment's bytes; null: there is none of this number.</summary>
    public byte[]? Attachment(int number)
    {
        var parts = _mail.BodyParts.OfType<MimePart>().Where(part => part.IsAttachment || part is not TextPart).ToArray();
        return number >= 0 && number < parts.Length ? Bytes(parts[number]) : null;
    }

    private static string DataUri(MimePart part) => $"data:{part.ContentType.MimeType};base64,{Convert.ToBase64String(Bytes(part))}";

    private static long Size(MimePart part) => Bytes(part).LongLength;

    private static byte[] Bytes(MimePart part)
    {
        using var bytes = new MemoryStream();
        part.Content?.DecodeTo(bytes);
        return bytes.ToArray();
    }
}

/// <summary>An attachment as it is listed.</summary>
internal sealed record AttachmentView(int Number, string Name, string Type, long Bytes);
