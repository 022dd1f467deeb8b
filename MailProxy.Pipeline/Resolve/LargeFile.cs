using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MimeKit;

namespace MailProxy.Pipeline.Resolve;

/// <summary>An attachment as the rule for large files sees it; its content is on this machine.</summary>
/// <param name="Index">Its index in the message's list, from 0.</param>
/// <param name="Inline">The HTML shows it (<c>inline_id</c>), so a link cannot replace it.</param>
/// <param name="Open">Opens a new seekable stream at the beginning of the content.</param>
/// <param name="Sha256">Hash of the content, when known.</param>
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
    /// <param name="spooled">Where the octets of long content are.</param>
    /// <param name="files">The fetched files, by index of the attachment; null for content that is inline in the JSON.</param>
    public static IReadOnlyList<LargeFile> Of(MailDraft draft, IReadOnlyList<LocalContent?> files, SpooledBody? spooled = null)
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
            else if (spooled?.Find(attachment.Content) is { } place)
                all.Add(new(i, name, type, place.Length, inline, () => new PartOfFile(OpenFile(spooled.Path), place.Offset, place.Length)));
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

    // The cache names its files by their hashes.
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

/// <summary>The result of applying the rule for large files to a message.</summary>
/// <param name="Links">These attachments are left out, and a list of the links is added at the end of the text.</param>
/// <param name="Warnings">For the log and the event, one per file that is sent although it is large.</param>
internal sealed record LinkedFiles(IReadOnlyList<FileLink> Links, IReadOnlyList<string> Warnings)
{
    public static readonly LinkedFiles None = new([], []);
}
