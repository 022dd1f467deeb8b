namespace MailProxy.Daemon.Api;

/// <summary>Unix milliseconds as answers show them; <see cref="Timestamps"/> reads what clients write.</summary>
internal static class Times
{
    public static DateTime Utc(long milliseconds) => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds).UtcDateTime;

    public static DateTime? Utc(long? milliseconds) => milliseconds is { } value ? Utc(value) : null;
}
