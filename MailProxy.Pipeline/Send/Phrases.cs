using System.Buffers;
using System.Text;

namespace MailProxy.Pipeline.Send;

/// <summary>Phrases, as display names are (RFC 5322 section 3.2.5): words as they stand, one quoted string, or encoded words.</summary>
internal static class Phrases
{
    // A longer one could not be folded, or only within its quotes.
    private const int LongestQuoted = 74;

    private static readonly SearchValues<char> Atext = SearchValues.Create(
        "!#$%&'*+-/0123456789=?ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz{|}~"
    );

    public static void Write(ref FoldedField field, string blank, string phrase, bool international)
    {
        if (MustBeEncoded(phrase, international))
            field.Words(blank, phrase);
        else if (IsAtoms(phrase))
            Atoms(ref field, blank, phrase);
        else if (Quoted(phrase) is { } quoted)
            field.Token(blank, quoted);
        else
            field.Words(blank, phrase);
    }

    private static bool MustBeEncoded(string phrase, bool international)
    {
        if (phrase.Contains("=?", StringComparison.Ordinal))
            return true;
        foreach (var c in phrase)
        {
            if (c > '\x7F' && (!international || char.IsWhiteSpace(c) || char.IsControl(c) || c == '\uFEFF'))
                return true;
        }

        return false;
    }

    // Words with one blank between them, each short enough for a line.
    private static bool IsAtoms(ReadOnlySpan<char> phrase)
    {
        if (phrase.IsEmpty || phrase[0] == ' ' || phrase[^1] == ' ' || phrase.IndexOf("  ") >= 0)
            return false;
        foreach (var word in phrase.Split(' '))
        {
            if (Encoding.UTF8.GetByteCount(phrase[word]) > LongestQuoted)
                return false;
        }

        foreach (var c in phrase)
        {
            if (c != ' ' && c <= '\x7F' && !Atext.Contains(c))
                return false;
        }

        return true;
    }

    private static void Atoms(ref FoldedField field, string blank, ReadOnlySpan<char> phrase)
    {
        foreach (var word in phrase.Split(' '))
        {
            field.Token(word.Start.Value == 0 ? blank : " ", phrase[word]);
        }
    }

    private static string? Quoted(string phrase)
    {
        var quoted = new StringBuilder(phrase.Length + 2).Append('"');
        foreach (var c in phrase)
        {
            if (c is '"' or '\\')
                quoted.Append('\\');
            quoted.Append(c);
        }

        var text = quoted.Append('"').ToString();
        return Encoding.UTF8.GetByteCount(text) <= LongestQuoted ? text : null;
    }
}
