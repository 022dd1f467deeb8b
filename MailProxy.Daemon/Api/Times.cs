using System.Globalization;
using System.Text.Json;

namespace MailProxy.Daemon.Api;

/// <summary>Unix milliseconds inside, RFC 3339 in UTC outside; Unix seconds are read too.</summary>
internal static class Times
{
    // 9999-12-31: what RFC 3339 can still say.
    private const long Last = 253_402_300_799;

    public static DateTime Utc(long milliseconds) => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds).UtcDateTime;

    public static DateTime? Utc(long? milliseconds) => milliseconds is { } value ? Utc(value) : null;

    public static long? Parse(string text)
    {
        if (decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds))
            return Milliseconds(seconds);

        // An offset is required: a time without one means something else on every machine.
        if (text.Length < 20 || text[10] is not ('T' or 't' or ' ') || !(text[^1] is 'Z' or 'z' || text[^6] is '+' or '-'))
            return null;
        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.None, out var time)
            ? time.ToUnixTimeMilliseconds()
            : null;
    }

    public static long? Parse(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.String => Parse(value.GetString()!),
            JsonValueKind.Number when value.TryGetDecimal(out var seconds) => Milliseconds(seconds),
            _ => null,
        };

    private static long? Milliseconds(decimal seconds) => seconds is >= 0 and <= Last ? (long)(seconds * 1000) : null;
}
