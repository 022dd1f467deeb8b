using System.Globalization;
using System.Text.Json;

namespace MailProxy.Pipeline.Notation;

/// <summary>
/// Times: Unix milliseconds inside, RFC 3339 in UTC outside. Clients write RFC 3339 with an offset, or Unix seconds, in JSON as a number
/// or as text. Both may have a fraction; digits below the millisecond are dropped.
/// </summary>
public static class Timestamps
{
    /// <summary>The rule in words, for error messages.</summary>
    public const string Rule = "Write a time as RFC 3339 with an offset (2030-01-31T12:00:00Z) or as Unix seconds.";

    /// <summary>The error code of a value that is not a time.</summary>
    public const string Code = "invalid_time";

    // The syntax of a JSON number, so that the same digits mean the same time in JSON, in a JSON text and in a query.
    private const NumberStyles Unsigned = NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;

    private const long First = -62_135_596_800_000; // 0001-01-01T00:00:00.000Z
    private const long Last = 253_402_300_799_999; // 9999-12-31T23:59:59.999Z

    /// <summary>Reads a JSON text or number into <paramref name="milliseconds"/> since the Unix epoch.</summary>
    public static bool TryRead(JsonElement element, out long milliseconds)
    {
        milliseconds = 0;
        return element.ValueKind switch
        {
            JsonValueKind.String => TryRead(element.GetString(), out milliseconds),
            JsonValueKind.Number => element.TryGetDecimal(out var seconds) && Seconds(seconds, out milliseconds),
            _ => false,
        };
    }

    /// <summary>
    /// Reads RFC 3339 (a date, T or a blank, a time with seconds, and Z or an offset; second 60 is the next minute), or Unix seconds.
    /// </summary>
    public static bool TryRead(ReadOnlySpan<char> text, out long milliseconds) =>
        decimal.TryParse(text, Unsigned, CultureInfo.InvariantCulture, out var seconds)
            ? Seconds(seconds, out milliseconds)
            : Rfc3339(text, out milliseconds);

    /// <summary>RFC 3339 in UTC, with milliseconds.</summary>
    public static string Write(long milliseconds) =>
        DateTimeOffset.FromUnixTimeMilliseconds(milliseconds).ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    private static bool Seconds(decimal seconds, out long milliseconds)
    {
        var good = seconds is >= 0 and < (Last + 1) / 1000;
        milliseconds = good ? (long)(seconds * 1000) : 0;
        return good;
    }

    private static bool Rfc3339(ReadOnlySpan<char> text, out long milliseconds)
    {
        milliseconds = 0;
        if (text.Length < 20 || text[4] != '-' || text[7] != '-' || text[13] != ':' || text[16] != ':')
            return false;
        if (text[10] is not ('T' or 't' or ' '))
            return false;
        if (!Digits(text[..4], out var year) || !Digits(text[5..7], out var month) || !Digits(text[8..10], out var day))
            return false;
        if (!Digits(text[11..13], out var hour) || !Digits(text[14..16], out var minute) || !Digits(text[17..19], out var second))
            return false;
        if (year == 0 || month is 0 or > 12 || day == 0 || day > DateTime.DaysInMonth(year, month))
            return false;
        if (hour > 23 || minute > 59 || second > 60)
            return false;
        if (!Fraction(text[19..], out var thousandths, out var rest) || !Offset(rest, out var offset))
            return false;
        milliseconds =
            new DateTimeOffset(year, month, day, hour, minute, 0, TimeSpan.Zero).ToUnixTimeMilliseconds()
            + second * 1000
            + thousandths
            - offset * 60_000L;
        return milliseconds is >= First and <= Last;
    }

    private static bool Fraction(ReadOnlySpan<char> text, out int thousandths, out ReadOnlySpan<char> rest)
    {
        thousandths = 0;
        rest = text;
        if (text[0] != '.')
            return true;
        var length = text[1..].IndexOfAnyExceptInRange('0', '9');
        if (length <= 0)
            return false;
        for (var i = 0; i < 3; i++)
            thousandths = thousandths * 10 + (i < length ? text[1 + i] - '0' : 0);
        rest = text[(1 + length)..];
        return true;
    }

    private static bool Offset(ReadOnlySpan<char> text, out int minutes)
    {
        minutes = 0;
        if (text is "Z" or "z")
            return true;
        if (text.Length != 6 || text[0] is not ('+' or '-') || text[3] != ':')
            return false;
        if (!Digits(text[1..3], out var hour) || !Digits(text[4..6], out var minute) || hour > 23 || minute > 59)
            return false;
        minutes = (hour * 60 + minute) * (text[0] == '-' ? -1 : 1);
        return true;
    }

    private static bool Digits(ReadOnlySpan<char> text, out int value)
    {
        value = 0;
        foreach (var c in text)
        {
            if (!char.IsAsciiDigit(c))
                return false;
            value = value * 10 + (c - '0');
        }

        return true;
    }
}
