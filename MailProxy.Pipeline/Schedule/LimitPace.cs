using MailProxy.Pipeline.Accounts;

namespace MailProxy.Pipeline.Schedule;

/// <summary>How long (milliseconds) one takes when the narrowest limit decides: a count stays up to a slot longer than its window. Pure.
/// </summary>
internal static class LimitPace
{
    public static long Of(AccountLimits limits) =>
        Math.Max(
            Math.Max(Each(limits.PerSecond, 1), Each(limits.PerMinute, 60)),
            Math.Max(Each(limits.PerHour, 3_600), Each(limits.PerDay, 86_400))
        );

    private static long Each(int? limit, long seconds) =>
        limit is { } most ? (seconds * 1_000 * (RollingWindow.Slots + 1) / RollingWindow.Slots / most) + 1 : 1;
}
