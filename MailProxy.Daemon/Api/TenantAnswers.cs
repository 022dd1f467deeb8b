using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Network;
using MailProxy.Pipeline.Sharing;

namespace MailProxy.Daemon.Api;

/// <summary>Turns tenants into answers: secrets never come out.</summary>
internal static class TenantAnswers
{
    public static LargeFilesAnswer? Of(LargeFiles? large) =>
        large is null ? null : new(large.Threshold, large.Action.Name(), large.Volume, large.LifetimeDays);

    private static LimitsAnswer Of(AccountLimits limits) =>
        new(
            limits.PerSecond,
            limits.PerMinute,
            limits.PerHour,
            limits.PerDay,
            limits.Burst,
            limits.Count == LimitCount.Messages ? "messages" : "recipients",
            limits.WhenReached == LimitReached.Fail ? "fail" : "wait"
        );

    public static TenantAnswer Of(Tenant tenant, IReadOnlyList<HeldShare> shares) =>
        new(
            tenant.Id,
            tenant.Name,
            tenant.Active,
            tenant.DefaultAccount,
            tenant.Limits == AccountLimits.None ? null : Of(tenant.Limits),
            (long?)tenant.ExpiresAfter?.TotalSeconds,
            tenant.Retry?.Minutes,
            tenant.Retain?.ToString(),
            Of(tenant.LargeFiles),
            tenant.AttachmentEndpoint is { } endpoint
                ? new(ShownUrl.Of(endpoint.Url.OriginalString), SourceAuthAnswer.Of(endpoint.Auth))
                : null,
            shares.ToDictionary(static share => share.Name, static share => new ShareAnswer(share.Held, share.Allowed))
        );
}
