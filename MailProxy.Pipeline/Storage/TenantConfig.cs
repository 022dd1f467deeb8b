using System.Text.Json;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Network;

namespace MailProxy.Pipeline.Storage;

/// <summary>A stored tenant: everything that a person configures, with the names of the contract, without secrets.</summary>
internal sealed record TenantConfig
{
    public required string Name { get; init; }
    public string? DefaultAccount { get; init; }

    // Absent means true. The property has no default value, because the serializer would not apply it.
    public bool? Active { get; init; }
    public string? Retain { get; init; }
    public LimitsConfig? Limits { get; init; }
    public long? ExpiresAfterSeconds { get; init; }
    public IReadOnlyList<double>? RetryMinutes { get; init; }
    public LargeFilesConfig? LargeFiles { get; init; }
    public string? AttachmentUrl { get; init; }

    public static TenantConfig Of(Tenant tenant) =>
        new()
        {
            Name = tenant.Name,
            DefaultAccount = tenant.DefaultAccount,
            Active = tenant.Active,
            Retain = tenant.Retain?.ToString(),
            Limits = LimitsConfig.Of(tenant.Limits),
            ExpiresAfterSeconds = (long?)tenant.ExpiresAfter?.TotalSeconds,
            RetryMinutes = tenant.Retry?.Minutes,
            LargeFiles = LargeFilesConfig.Of(tenant.LargeFiles),
            AttachmentUrl = tenant.AttachmentEndpoint?.Url.OriginalString,
        };

    public Tenant ToTenant(string id, SourceAuth? auth) =>
        new()
        {
            Id = id,
            Name = Name,
            DefaultAccount = DefaultAccount,
            Active = Active ?? true,
            Retain = Retain is null
                ? null
                : Retention.Parse(Retain)
                    ?? throw new StoreRefusedException($"The stored tenant '{id}' has the unknown retention '{Retain}'."),
            Limits = Limits?.ToLimits() ?? AccountLimits.None,
            ExpiresAfter = ExpiresAfterSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
            Retry = RetryMinutes is { } minutes ? new(minutes) : null,
            LargeFiles = LargeFiles?.ToLargeFiles(id),
            AttachmentEndpoint = AttachmentUrl is null ? null : new(HttpAddress.Stored(AttachmentUrl), auth),
        };

    public string ToJson() => JsonSerializer.Serialize(this, StoredJson.Default.TenantConfig);

    public static TenantConfig FromJson(string json) => JsonSerializer.Deserialize(json, StoredJson.Default.TenantConfig)!;
}

internal sealed record LargeFilesConfig(long Threshold, string Action, string? Volume, int LifetimeDays)
{
    public static LargeFilesConfig? Of(LargeFiles? large) =>
        large is null ? null : new(large.Threshold, large.Action.Name(), large.Volume, large.LifetimeDays);

    // An unknown value must not let a large file pass.
    public LargeFiles ToLargeFiles(string owner) =>
        new(
            Threshold,
            LargeFileActions.Names.Find(Action)
                ?? throw new StoreRefusedException($"The stored rule of '{owner}' has the unknown action '{Action}' for large files."),
            Volume,
            LifetimeDays
        );
}

internal sealed record LimitsConfig(
    int? PerSecond,
    int? PerMinute,
    int? PerHour,
    int? PerDay,
    int? Burst,
    bool CountMessages,
    bool FailWhenReached
)
{
    public static LimitsConfig? Of(AccountLimits limits) =>
        limits == AccountLimits.None
            ? null
            : new(
                limits.PerSecond,
                limits.PerMinute,
                limits.PerHour,
                limits.PerDay,
                limits.Burst,
                limits.Count == LimitCount.Messages,
                limits.WhenReached == LimitReached.Fail
            );

    public AccountLimits ToLimits() =>
        new(
            PerSecond,
            PerMinute,
            PerHour,
            PerDay,
            Burst,
            CountMessages ? LimitCount.Messages : LimitCount.Recipients,
            FailWhenReached ? LimitReached.Fail : LimitReached.Wait
        );
}
