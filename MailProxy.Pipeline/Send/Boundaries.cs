using System.Runtime.InteropServices;
using System.Security.Cryptography;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Send;

/// <summary>
/// The boundaries of one mail (RFC 2046 section 5.1.1): the same in every attempt, others in every mail. They are a hash of
/// all that goes out unencoded, so no text can hold its own; and "=_" never occurs in quoted-printable or base64.
/// </summary>
internal sealed class Boundaries(MailContent content, MailDraft draft)
{
    private string? _root;
    private int _count;

    public string Next() => $"=_{_root ??= Root()}-{++_count}";

    private string Root()
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Add(sha, $"{content.Key.Tenant}/{content.Key.Id} {content.CreatedAt} {content.MessageIdHeader}");
        Add(sha, draft.Text);
        Add(sha, draft.Html);
        foreach (var other in draft.Alternatives ?? []) Add(sha, other.Content);
        foreach (var attachment in draft.Attachments ?? [])
        {
            if (MimeFile.GoesUnencoded(attachment) && AttachmentNotation.Inline(attachment) is { } inline) Add(sha, inline.Span);
        }

        return Convert.ToHexStringLower(sha.GetHashAndReset().AsSpan(0, 16));
    }

    private static void Add(IncrementalHash sha, ReadOnlySpan<char> text)
    {
        sha.AppendData(MemoryMarshal.AsBytes(text));
        sha.AppendData("\0"u8);
    }
}
