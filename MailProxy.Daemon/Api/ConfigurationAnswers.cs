using System.Text.Json.Serialization;

namespace MailProxy.Daemon.Api;

public sealed record LimitsAnswer(int? PerSecond, int? PerMinute, int? PerHour, int? PerDay, int? Burst, string Count, string WhenReached);

/// <summary>What a test of an account saw. Nothing was sent.</summary>
/// <param name="Stage">Where it ended: <c>connect</c>, <c>tls</c>, <c>greeting</c>, <c>authenticate</c>, <c>done</c>.</param>
/// <param name="Tls">The protocol and cipher, or null when the connection is not protected.</param>
/// <param name="Error">The server's words, or ours when there were none.</param>
public sealed record AccountTestAnswer(
    bool Ok,
    string Stage,
    bool Secure,
    string? Tls,
    bool Authenticated,
    IReadOnlyList<string> Extensions,
    int? SmtpCode,
    string? Error,
    double Milliseconds
);

/// <summary>What a test came to.</summary>
/// <param name="Error">Why not; absent when it answered with 2xx.</param>
public sealed record WebhookTestAnswer(bool Ok, double Milliseconds, string? Error);

/// <summary>How a source of files is asked; secrets only as set.</summary>
public sealed record SourceAuthAnswer(
    string? User = null,
    bool? PasswordSet = null,
    bool? BearerSet = null,
    string? Header = null,
    bool? ValueSet = null
)
{
    internal static SourceAuthAnswer? Of(SourceAuth? auth) =>
        auth switch
        {
            null => null,
            SourceAuth.Basic basic => new(basic.User, true),
            SourceAuth.Bearer => new(BearerSet: true),
            SourceAuth.Header header => new(Header: header.Name, ValueSet: true),
            _ => throw new ArgumentOutOfRangeException(nameof(auth)),
        };
}

/// <summary>What a test of a volume saw. Nothing was changed.</summary>
/// <param name="Status">The HTTP status, when there was an answer.</param>
/// <param name="Code">The store's own error code, or <c>gone</c>, <c>refused</c>, <c>down</c>.</param>
/// <param name="Objects">Files among the first 1,000; absent when the backend cannot list, or a path was asked for.</param>
/// <param name="Size">Bytes of the file that was asked for.</param>
public sealed record VolumeTestAnswer(
    bool Ok,
    int? Status,
    string? Code,
    long? Objects,
    bool? More,
    long? Size,
    string? Error,
    double Milliseconds
);

public sealed record LargeFilesAnswer(long Threshold, string Action, string? Volume, int LifetimeDays);

public sealed record AttachmentEndpointAnswer(string Url, SourceAuthAnswer? Auth);

/// <summary>What a tenant holds now of something that tenants share, and the most that it may hold now.</summary>
public sealed record ShareAnswer(long Held, long Allowed);

/// <param name="Active">False: sending is suspended, and all its mail waits.</param>
/// <param name="Shares">Its part of each thing that tenants share, at this moment.</param>
public sealed record TenantAnswer(
    string Id,
    string Name,
    bool Active,
    string? DefaultAccount,
    LimitsAnswer? Limits,
    long? ExpiresAfter,
    IReadOnlyList<double>? RetryMinutes,
    string? Retain,
    LargeFilesAnswer? LargeFiles,
    AttachmentEndpointAnswer? AttachmentEndpoint,
    IReadOnlyDictionary<string, ShareAnswer> Shares
);

public sealed record TenantList(
    IReadOnlyList<TenantAnswer> Data,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? NextCursor
);

/// <param name="LastUsedAt">Within a minute; absent: never.</param>
/// <param name="Key">Only in the answer that made it.</param>
public sealed record KeyAnswer(
    string Id,
    string Tenant,
    string Name,
    IReadOnlyList<string> Scopes,
    IReadOnlyList<string> AllowedNetworks,
    DateTime CreatedAt,
    DateTime? ExpiresAt,
    DateTime? LastUsedAt,
    string? Key
);

public sealed record KeyList(
    IReadOnlyList<KeyAnswer> Data,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? NextCursor
);
