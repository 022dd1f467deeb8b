using System.Globalization;
using System.Text;

namespace MailProxy.Pipeline.Send;

/// <summary>A server's reply.</summary>
/// <param name="EnhancedCode">RFC 3463 code, the class with zeros when the server gave none.</param>
/// <param name="Text">One line, without the codes' own line structure.</param>
internal sealed record SmtpReply(int Code, string EnhancedCode, string Text)
{
    private const int LongestText = 512;

    public bool IsPositive => Code is >= 200 and < 300;
    public bool IsTransient => Code is >= 400 and < 500;
    public bool IsPermanent => Code is >= 500 and < 600;

    /// <summary>It says no.</summary>
    public bool Refuses => Code is >= 400 and < 600;

    /// <summary>The server gave no enhanced code, or one that says nothing.</summary>
    public bool IsPlain => EnhancedCode.EndsWith(".0.0", StringComparison.Ordinal);

    public static SmtpReply Of(int code, string? text)
    {
        var words = OneLine(text);
        return new(code, Enhanced(code, words) ?? $"{code / 100}.0.0", words);
    }

    /// <summary>
    /// A stranger's words made fit for events, answers and logs: control characters and line ends of every kind become one space, what is
    /// invisible or turns the direction of writing is left out; at most 512 UTF-16 units, no character cut in two.
    /// </summary>
    public static string OneLine(string? text)
    {
        if (string.IsNullOrEmpty(text))
            return "";

        // Nearly every reply is plain.
        if (text.Length <= LongestText && !text.AsSpan().ContainsAnyExceptInRange(' ', '~'))
            return text.Trim();
        var line = new StringBuilder(Math.Min(text.Length, LongestText));
        Span<char> units = stackalloc char[2];
        foreach (var rune in text.EnumerateRunes())
        {
            if (line.Length + rune.Utf16SequenceLength > LongestText)
                break;
            switch (Rune.GetUnicodeCategory(rune))
            {
                case UnicodeCategory.Control or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator:
                    if (line.Length > 0 && line[^1] != ' ')
                        line.Append(' ');
                    break;
                case UnicodeCategory.Format or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned or UnicodeCategory.Surrogate:
                    break;
                default:
                    line.Append(units[..rune.EncodeToUtf16(units)]);
                    break;
            }
        }

        return line.ToString().Trim();
    }

    // class "." subject "." detail, each part one to three digits, the class that of the reply (RFC 2034 section 4).
    private static string? Enhanced(int code, string text)
    {
        var end = text.IndexOf(' ');
        var word = end < 0 ? text.AsSpan() : text.AsSpan(0, end);
        if (word.Length is < 5 or > 9 || word[0] - '0' != code / 100 || word[1] != '.')
            return null;
        var dot = word[2..].IndexOf('.');
        return dot is >= 1 and <= 3 && IsNumber(word.Slice(2, dot)) && IsNumber(word[(dot + 3)..]) ? word.ToString() : null;
    }

    private static bool IsNumber(ReadOnlySpan<char> digits) => digits.Length is >= 1 and <= 3 && !digits.ContainsAnyExceptInRange('0', '9');
}
