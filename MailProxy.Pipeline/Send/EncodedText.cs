using System.Text;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Send;

/// <summary>Finds what of a free text has to be encoded words, so that the rest stays readable. Pure.</summary>
internal static class EncodedText
{
    // More blanks in a row are encoded, or they would make a line that some reader takes for the end of the header.
    private const int LongestGap = 60;

    /// <param name="column">Where the text begins on its first line.</param>
    /// <returns>From the first token that cannot stand as it is to the end of the last one; equal when there is none.</returns>
    public static (int From, int To) Part(int column, ReadOnlySpan<char> text, bool international)
    {
        if (text.IsEmpty)
            return (0, 0);
        var guarded = HeaderFields.LooksEncoded(text);
        var part = Part(column, text, international, guarded);

        // Beside encoded words, and beside raw UTF-8, readers take less than a whole one for the beginning of one.
        var mixed = part.From < part.To || !Ascii.IsValid(text);
        return mixed && !guarded && text.IndexOf("=?") >= 0 ? Part(column, text, international, guarded: true) : part;
    }

    private static (int From, int To) Part(int column, ReadOnlySpan<char> text, bool international, bool guarded)
    {
        var (from, to) = (text.Length, 0);
        int lastStart = 0,
            lastEnd = 0;
        var rest = text;
        while (HeaderFields.TryTake(ref rest, out var blanks, out var token))
        {
            var start = text.Length - rest.Length - token.Length;
            if (blanks.Length > LongestGap)
                (from, to) = (Math.Min(from, lastStart), start + token.Length);

            // A reader strips blanks at the beginning, so they go with the first word.
            if (start == blanks.Length && start > 0)
                (from, to) = (0, start + token.Length);
            var line = (lastEnd == 0 ? column : 0) + blanks.Length + Encoding.UTF8.GetByteCount(token);
            if (line > HeaderFields.LongestLine || NeedsWord(token, international, guarded))
            {
                (from, to) = (Math.Min(from, start), start + token.Length);
            }

            (lastStart, lastEnd) = (start, start + token.Length);
        }

        return lastEnd < text.Length ? (Math.Min(from, lastStart), text.Length)
            : from < to ? (from, to)
            : (0, 0);
    }

    private static bool NeedsWord(ReadOnlySpan<char> token, bool international, bool guarded)
    {
        if (guarded && (token.Contains("=?", StringComparison.Ordinal) || token.Contains("?=", StringComparison.Ordinal)))
            return true;
        return !Ascii.IsValid(token) && (!international || HasOddBlank(token));
    }

    // Some readers take these for line ends or blanks of a header, raw as they would stand in an SMTPUTF8 mail.
    private static bool HasOddBlank(ReadOnlySpan<char> token)
    {
        foreach (var c in token)
        {
            if (c > '\x7F' && (char.IsWhiteSpace(c) || char.IsControl(c) || c is '\uFEFF'))
                return true;
        }

        return false;
    }
}
