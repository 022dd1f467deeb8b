using MailProxy.Pipeline.Accounts;

namespace MailProxy.Daemon.Api;

/// <summary>Turns tenants into answers: secrets never come out.</summary>
internal static class TenantAnswers
{
    public static TenantAnswer Of(Tenant tenant) => new(
        tenant.Id,
        tenant.Name,
        tenant.Active,
        tenant.DefaultAccount,
        tenant.Retain?.ToString(),
        tenant.LargeFiles is { } large ? new(large.Threshold, large.Action.Name(), large.Volume, large.LifetimeDays) : null,
        tenant.AttachmentEndpoint is { } endpoint ? new(endpoint.Url.OriginalString, SourceAuthBinder.Answer(endpoint.Auth)) : null);
}
