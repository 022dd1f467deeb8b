using System.Buffers.Text;
using System.Text;

namespace MailProxy.Pipeline.Intake;

/// <summary>Reads escapes in strings of JSON (RFC 8259 section 7).</summary>
internal static class JsonEscape
{
    private const int Unit = 6; // \u0000

    /// <param name="written">It begins with a backslash.</param>
    /// <param name="meant">At least four bytes; the character in UTF-8.</param>
    /// <returns>Bytes read, 0: the escape has not come whole, negative: it is none. Bytes of the character.</returns>
    public static (int Length, int Bytes) Read(ReadOnlySpan<byte> written, Span<byte> meant)
    {
        if (written.Length < 2)
            return (0, 0);
        if (written[1] == 'u')
            return ReadUnits(written, meant);
        var at = "\"\\/bfnrt"u8.IndexOf(written[1]);
        if (at < 0)
            return (-1, 0);
        meant[0] = "\"\\/\b\f\n\r\t"u8[at];
        return (2, 1);
    }

    private static (int, int) ReadUnits(ReadOnlySpan<byte> written, Span<byte> meant)
    {
        if (written.Length < Unit)
            return (MayGoOn(written) ? 0 : -1, 0);
        if (Value(written) is not { } unit || char.IsLowSurrogate(unit))
            return (-1, 0);
        if (!char.IsHighSurrogate(unit))
            return (Unit, new Rune(unit).EncodeToUtf8(meant));
        var low = written[Unit..];
        if (low.Length < Unit)
            return (MayGoOn(low) ? 0 : -1, 0);
        return Value(low) is { } other && char.IsLowSurrogate(other) ? (2 * Unit, new Rune(unit, other).EncodeToUtf8(meant)) : (-1, 0);
    }

    // Of what has not come whole: it may still become \u and four digits.
    private static bool MayGoOn(ReadOnlySpan<byte> written)
    {
        for (var i = 0; i < written.Length; i++)
        {
            if (
                i == 0 ? written[i] != '\\'
                : i == 1 ? written[i] != 'u'
                : !char.IsAsciiHexDigit((char)written[i])
            )
                return false;
        }

        return true;
    }

    private static char? Value(ReadOnlySpan<byte> written) =>
        written[0] == '\\' && written[1] == 'u' && Utf8Parser.TryParse(written.Slice(2, 4), out ushort unit, out var used, 'x') && used == 4
            ? (char)unit
            : null;
}
