using System.Buffers;
using System.Text;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Send;

/// <summary>
/// The body that most mail has, a 7-bit text by itself, in the very octets that <see cref="MimeBody"/> gives, without building parts and
/// filtering them.
/// </summary>
internal static class PlainText
{
    private static readonly SearchValues<char> LineEnds = SearchValues.Create("\r\n");

    /// <summary>False, and nothing written: the mail needs more than that.</summary>
    public static bool TryWrite(PooledBytes bytes, MailDraft draft)
    {
        if (draft is not { Html: null, Attachments: null or { Count: 0 }, Alternatives: null or { Count: 0 } })
            return false;
        var text = draft.Text ?? "";
        if (!IsPlain(text))
            return false;
        bytes.Write("Content-Type: text/plain; charset=utf-8\r\n\r\n"u8);
        var rest = text.AsSpan();
        do
        {
            var end = rest.IndexOfAny(LineEnds);
            var line = end < 0 ? rest : rest[..end];
            Encoding.ASCII.GetBytes(line, bytes.Space(line.Length));
            bytes.Advance(line.Length);
            bytes.Write("\r\n"u8);
            rest = end < 0 ? [] : rest[(end + (rest[end..].StartsWith("\r\n") ? 2 : 1))..];
        } while (rest.Length > 0);

        return true;
    }

    private static bool IsPlain(ReadOnlySpan<char> text)
    {
        if (!Ascii.IsValid(text) || text.Contains('\0'))
            return false;
        foreach (var line in text.SplitAny(LineEnds))
        {
            // A "From " that some mailbox format would quote is MimeKit's to judge.
            if (text[line].Length > HeaderFields.LongestLine || text[line].StartsWith("From "))
                return false;
        }

        return true;
    }
}
