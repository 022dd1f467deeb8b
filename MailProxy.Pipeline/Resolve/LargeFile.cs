using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Resolve;

/// <summary>An attachment as the rule for large files sees it, its content at hand.</summary>
/// <param name="Index">Its place in the message's list, from 0.</param>
/// <param name="Inline">The HTML shows it (<c>inline_id</c>), so that a link cannot stand in for it.</param>
/// <param name="Open">Opens the content anew from its beginning, seekable.</param>
/// <param name="Sha256">Of the content, when known.</param>
internal sealed record LargeFile(int Index, string Name, string? ContentType, long Size, bool Inline, Func<Stream> Open, byte[]? Sha256 = null)
{
    /// <summary>A fetched attachment.</summary>
    public static LargeFile Of(int index, string name, string? contentType, bool inline, string path, long size, byte[]? sha256 = null) =>
        new(index, name, contentType, size, inline, () => new FileStream(path, new FileStreamOptions { Access = FileAccess.Read, Options = FileOptions.SequentialScan }), sha256);
}

/// <summary>What the rule for large files made of a message.</summary>
/// <param name="Links">Those attachments are left out, and the list stands at the foot.</param>
/// <param name="Warnings">For the log and the event, one a file: it is sent although it is large.</param>
internal sealed record LinkedFiles(IReadOnlyList<FileLink> Links, IReadOnlyList<string> Warnings)
{
    public static readonly LinkedFiles None = new([], []);
}
