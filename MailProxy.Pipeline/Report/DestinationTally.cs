using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Pipeline.Report;

/// <summary>What an attempt counts against an account's limits for single domains. Pure.</summary>
internal static class DestinationTally
{
    public static IReadOnlyList<DestinationCount> Of(DestinationLimits limits, LimitCount count, IReadOnlyList<SliceRecipient> slice) =>
        [
            .. slice
                .GroupBy(static to => DestinationLimits.DomainOf(to.Address))
                .Select(group => (Domain: group.Key, Limits: limits.Of(group.Key), Recipients: group.Count()))
                .Where(static one => one.Limits is not null)
                .Select(one => new DestinationCount(one.Domain, count == LimitCount.Messages ? 1 : one.Recipients, Windows(one.Limits!))),
        ];

    private static int[] Windows(AccountLimits limits)
    {
        var windows = new List<int>();
        if (limits.PerMinute is not null || limits.PerSecond is not null)
            windows.Add(60);
        if (limits.PerHour is not null)
            windows.Add(3_600);
        if (limits.PerDay is not null)
            windows.Add(86_400);
        return [.. windows];
    }
}
