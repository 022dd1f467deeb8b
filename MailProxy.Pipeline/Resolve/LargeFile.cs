using MailProxy.Pipeline.Mail;
using MimeKit;

namespace MailProxy.Pipeline.Resolve;

/// <summary>An attachment as the rule for large files sees it, its content at hand.</summary>
/// <param name="Index">Its place in the message's list, from 0.</param>
/// <param name="Inline">The HTML shows it (<c>inline_id</c>), so that a link cannot stand in for it.</param>
/// <param name="Open">Opens the content anew from its beginning, seekable.</param>
/// <param name="Sha256">Of the content, when known.</param>
internal sealed record LargeFile(
    int Index,
    string Name,
    string? ContentType,
    long Size,
    bool Inline,
    Func<Stream> Open,
    byte[]? Sha256 = null
)
{
    /// <summary>Every attachment of a mail, in the order of its list.</summary>
    /// <param name="files">By the attachment's place: the fetched ones; null: it is inline in the JSON.</param>
    public static IReadOnlyList<LargeFile> Of(MailDraft draft, IReadOnlyList<LocalContent?> files)
    {
        var all = new List<LargeFile>();
        for (var i = 0; i < draft.Attachments?.Count; i++)
        {
            if (draft.Attachments[i] is not { } attachment)
                continue;
            var (name, type, inline) = (AttachmentNotation.FileName(attachment), attachment.ContentType, attachment.InlineId is not null);
            type ??= MimeTypes.GetMimeType(name);
            if (i < files.Count && files[i] is { } file)
                all.Add(new(i, name, type, file.Size, inline, () => OpenFile(file.Path), Hash(file.Path)));
            else if (AttachmentNotation.Inline(attachment) is { } base64)
                all.Add(
                    new(
                        i,
                        name,
                        type,
                        Length(base64.Span),
                        inline,
                        () => new MemoryStream(Convert.FromBase64String(base64.ToString()), writable: false)
                    )
                );
        }

        return all;
    }

    private static FileStream OpenFile(string path) =>
        new(
            path,
            new FileStreamOptions
            {
                Access = FileAccess.Read,
                Share = FileShare.Read | FileShare.Delete,
                Options = FileOptions.SequentialScan,
            }
        );

    // The cache names its files by what they hash to.
    private static byte[]? Hash(string path) =>
        ContentDigest.TryParse(Path.GetFileName(path.AsSpan()), out var digest) ? Convert.FromHexString(digest.Sha256Text) : null;

    private static long Length(ReadOnlySpan<char> base64) =>
        base64.Length / 4 * 3L
        - (
            base64.EndsWith("==") ? 2
            : base64.EndsWith("=") ? 1
            : 0
        );
}

/// <summary>What the rule for large files made of a message.</summary>
/// <param name="Links">Those attachments are left out, and the list stands at the foot.</param>
/// <param name="Warnings">For the log and the event, one a file: it is sent although it is large.</param>
internal sealed record LinkedFiles(IReadOnlyList<FileLink> Links, IReadOnlyList<string> Warnings)
{
    public static readonly LinkedFiles None = new([], []);
}
