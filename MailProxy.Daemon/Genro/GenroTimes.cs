using System.Globalization;

namespace MailProxy.Daemon.Genro;

/// <summary>Times as genro-mail-proxy writes them.</summary>
internal static class GenroTimes
{
    /// <summary>ISO 8601 without a zone, in UTC.</summary>
    public static string Iso(long milliseconds) =>
        DateTimeOffset.FromUnixTimeMilliseconds(milliseconds).ToString("yyyy-MM-dd'T'HH:mm:ss", CultureInfo.InvariantCulture);
}
