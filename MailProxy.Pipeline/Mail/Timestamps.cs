using System.Globalization;
using System.Text.Json;

namespace MailProxy.Pipeline.Mail;

/// <summary>Times as clients write them: RFC 3339 text, or whole Unix seconds.</summary>
public static class Timestamps
{
    public const string Rule = "Write a time as RFC 3339 (2030-01-31T12:00:00Z) or as whole Unix seconds.";

    private const long LastSecond = 253_402_300_799; // 9999-12-31T23:59:59Z

    /// <summary>Reads a JSON text or number into <paramref name="milliseconds"/> since the Unix epoch.</summary>
    public static bool TryRead(JsonElement element, out long milliseconds)
    {
        milliseconds = 0;
        if (element.ValueKind == JsonValueKind.String)
            return TryRead(element.GetString(), out milliseconds);
        if (element.ValueKind != JsonValueKind.Number || !element.TryGetInt64(out var seconds))
            return false;
        milliseconds = seconds * 1000;
        return seconds is >= 0 and <= LastSecond;
    }

    /// <summary>
    /// Reads RFC 3339: a date, T, a time with seconds, and Z or an offset. A fraction below the millisecond is dropped; second 60 is read
    /// as the
    /// next minute.
    /// </summary>
    public static bool TryRead(ReadOnlySpan<char> text, out long milliseconds)
    {
        milliseconds = 0;
        if (text.Length < 20 || text[4] != '-' || text[7] != '-' || text[10] is not ('T' or 't') || text[13] != ':' || text[16] != ':')
            return false;
        if (!Digits(text[..4], out var year) || !Digits(text[5..7], out var month) || !Digits(text[8..10], out var day))
            return false;
        if (!Digits(text[11..13], out var hour) || !Digits(text[14..16], out var minute) || !Digits(text[17..19], out var second))
            return false;
        if (
            year == 0
            || month is 0 or > 12
            || day == 0
            || day > DateTime.DaysInMonth(year, month)
            || hour > 23
            || minute > 59
            || second > 60
        )
            return false;

        var rest = text[19..];
        var fraction = 0;
        if (rest[0] == '.')
        {
            var length = rest[1..].IndexOfAnyExceptInRange('0', '9');
            if (length <= 0)
                return false;
            for (var i = 0; i < 3; i++)
                fraction = fraction * 10 + (i < length ? rest[1 + i] - '0' : 0);
            rest = rest[(1 + length)..];
        }

        if (!Offset(rest, out var offset))
            return false;
        milliseconds =
            new DateTimeOffset(year, month, day, hour, minute, 0, TimeSpan.Zero).ToUnixTimeMilliseconds()
            + second * 1000
            + fraction
            - offset * 60_000L;
        return milliseconds is >= 0 and <= LastSecond * 1000;
    }

    /// <summary>RFC 3339 in UTC, with milliseconds.</summary>
    public static string Write(long milliseconds) =>
        DateTimeOffset.FromUnixTimeMilliseconds(milliseconds).ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

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
