using System.Globalization;

namespace MailProxy.Pipeline.Mail;

/// <summary>Writes times in the form in which they leave the engine: RFC 3339, UTC, always with milliseconds.</summary>
public static class Rfc3339
{
    /// <param name="at">Unix milliseconds.</param>
    public static string Text(long at) =>
        DateTimeOffset.FromUnixTimeMilliseconds(at).ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
}
