using MimeKit;

namespace MailProxy.Daemon.Dashboard.Model;

/// <summary>A mail as its reader would see it: what a view shows of it, in bounds.</summary>
internal sealed record MailView(
    string? Text,
    bool HasHtml,
    IReadOnlyList<(string Name, string Value)> Headers,
    IReadOnlyList<AttachmentView> Attachments
)
{
    private const int MostText = 200_000;
    private const int MostHeaders = 500;
    private const int MostHeader = 10_000;
    private const int MostAttachments = 500;

    /// <summary>Null: it cannot be read as a mail.</summary>
    public static MailView? Read(byte[] source) =>
        MailContents.Load(source) is { } mail
            ? new(
                Cut(mail.TextBody, MostText),
                mail.HtmlBody is not null,
                [.. mail.Headers.Take(MostHeaders).Select(static header => (header.Field, Cut(header.Value, MostHeader)!))],
                [
                    .. MailContents
                        .Attached(mail)
                        .Take(MostAttachments)
                        .Select(
                            static (part, i) => new AttachmentView(i, part.FileName ?? "(no name)", part.ContentType.MimeType, Size(part))
                        ),
                ]
            )
            : null;

    private static string? Cut(string? text, int most) => text is null || text.Length <= most ? text : text[..most] + " …";

    private static long Size(MimePart part)
    {
        using var counted = new MimeKit.IO.MeasuringStream();
        part.Content?.DecodeTo(counted);
        return counted.Length;
    }
}

/// <summary>An attachment as it is listed.</summary>
internal sealed record AttachmentView(int Number, string Name, string Type, long Bytes);
