using System.Globalization;
using System.Text;

namespace MailProxy.Pipeline.Notation;

/// <summary>Checks for characters that must not be in a header or an SMTP command.</summary>
public static class Faults
{
    /// <summary>Returns null when the text may be in a header: no CR, LF, NUL or other control character, and not too long.</summary>
    public static (string Code, string Detail)? InText(ReadOnlySpan<char> text, int maxLength, bool tabAllowed = false)
    {
        if (Injection(text) is { } injection)
            return injection;
        if (text.Length > maxLength)
            return ("too_long", string.Create(CultureInfo.InvariantCulture, $"At most {maxLength} characters."));
        foreach (var c in text)
        {
            if (char.IsControl(c) && !(c == '\t' && tabAllowed))
                return ("control_character", "Control characters are not allowed.");
        }

        return null;
    }

    /// <summary>Refuses CR, LF and NUL, with which a client could begin a header or a command of its own.</summary>
    public static (string Code, string Detail)? Injection(ReadOnlySpan<char> text) =>
        text.ContainsAny('\r', '\n', '\0') ? ("header_injection", "Line breaks and NUL are not allowed here.") : null;

    /// <summary>Whether a character is invisible where an address is shown, or changes the direction of its text.</summary>
    internal static bool IsUnfitForAddress(Rune rune) =>
        rune.Value is (>= 0x202A and <= 0x202E) or (>= 0x2066 and <= 0x2069) or 0x200E or 0x200F or 0xFEFF or 0xFFFD
        || Rune.GetUnicodeCategory(rune)
            is UnicodeCategory.Control
                or UnicodeCategory.LineSeparator
                or UnicodeCategory.ParagraphSeparator
                or UnicodeCategory.SpaceSeparator;
}
