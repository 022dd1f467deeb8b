using System.Runtime.InteropServices;
using System.Security.Cryptography;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Send;

/// <summary>
/// The boundaries of one mail (RFC 2046 section 5.1.1): the same in every attempt, others in every mail. Whatever goes out unencoded and
/// has the beginning of a boundary is hashed into them, so no text can hold its own; "=_" never occurs in quoted-printable or base64.
/// </summary>
internal sealed class Boundaries(MailContent content, MailDraft draft)
{
    private const string Beginning = "=_";

    private string? _root;
    private int _count;

    public string Next() => $"{Beginning}{_root ??= Root()}-{++_count}";

    private string Root()
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Add(sha, $"{content.Key.Tenant}/{content.Key.Id} {content.CreatedAt} {content.MessageIdHeader}");
        AddSuspect(sha, draft.Text);
        AddSuspect(sha, draft.Html);
        foreach (var other in draft.Alternatives ?? [])
            AddSuspect(sha, other.Content);
        foreach (var attachment in draft.Attachments ?? [])
        {
            if (MimeFile.GoesUnencoded(attachment) && AttachmentNotation.Inline(attachment) is { } inline)
                Add(sha, inline.Span);
        }

        return Convert.ToHexStringLower(sha.GetHashAndReset().AsSpan(0, 16));
    }

    // Most texts are none, and need not be hashed.
    private static void AddSuspect(IncrementalHash sha, string? text)
    {
        if (text is not null && text.Contains("--" + Beginning, StringComparison.Ordinal))
            Add(sha, text);
    }

    private static void Add(IncrementalHash sha, ReadOnlySpan<char> text)
    {
        sha.AppendData(MemoryMarshal.AsBytes(text));
        sha.AppendData("\0"u8);
    }
}
