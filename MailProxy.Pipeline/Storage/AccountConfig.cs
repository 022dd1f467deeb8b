using System.Text.Json;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Disk;

namespace MailProxy.Pipeline.Storage;

/// <summary>A stored SMTP account: everything that a person configures, with the names of the contract, without secrets.</summary>
internal sealed record AccountConfig
{
    public bool Sandbox { get; init; }
    public string? Host { get; init; }
    public int Port { get; init; }
    public string Security { get; init; } = "none";
    public bool VerifyCertificate { get; init; } = true;
    public string? User { get; init; }
    public LimitsConfig? Limits { get; init; }
    public int MaxConnections { get; init; }
    public int MaxMessagesPerConnection { get; init; }
    public int MaxRecipients { get; init; }
    public DkimConfig? Dkim { get; init; }
    public IReadOnlyList<string> FromAllowed { get; init; } = [];
    public LargeFilesConfig? LargeFiles { get; init; }
    public long? ExpiresAfterSeconds { get; init; }
    public IReadOnlyList<double>? RetryMinutes { get; init; }
    public string? Description { get; init; }
    public bool ByTenant { get; init; }

    public static AccountConfig Of(SmtpAccount account) =>
        new()
        {
            Sandbox = account.Sandbox,
            Host = account.Host,
            Port = account.Port,
            Security = Name(account.Security),
            VerifyCertificate = account.VerifyCertificate,
            User = account.User,
            Limits = LimitsConfig.Of(account.Limits),
            MaxConnections = account.MaxConnections,
            MaxMessagesPerConnection = account.MaxMessagesPerConnection,
            MaxRecipients = account.MaxRecipients,
            Dkim = account.Dkim is { } dkim ? new(dkim.Domain, dkim.Selector) : null,
            FromAllowed = account.FromAllowed,
            LargeFiles = LargeFilesConfig.Of(account.LargeFiles),
            ExpiresAfterSeconds = (long?)account.ExpiresAfter?.TotalSeconds,
            RetryMinutes = account.Retry?.Minutes,
            Description = account.Description,
            ByTenant = account.ByTenant,
        };

    /// <summary>Applies the configuration to an account that already has its names and secrets.</summary>
    public SmtpAccount ApplyTo(SmtpAccount account, string? dkimKey) =>
        account with
        {
            Sandbox = Sandbox,
            Host = Host,
            Port = Port,
            Security = ParseSecurity(Security),
            VerifyCertificate = VerifyCertificate,
            User = User,
            Limits = Limits?.ToLimits() ?? AccountLimits.None,
            MaxConnections = MaxConnections,
            MaxMessagesPerConnection = MaxMessagesPerConnection,
            MaxRecipients = MaxRecipients,
            Dkim = Dkim is not null && dkimKey is not null ? new(Dkim.Domain, Dkim.Selector, dkimKey) : null,
            FromAllowed = FromAllowed,
            LargeFiles = LargeFiles?.ToLargeFiles(account.ToString()),
            ExpiresAfter = ExpiresAfterSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
            Retry = RetryMinutes is { } minutes ? new(minutes) : null,
            Description = Description,
            ByTenant = ByTenant,
        };

    public string ToJson() => JsonSerializer.Serialize(this, StoredJson.Default.AccountConfig);

    public static AccountConfig FromJson(string json) => JsonSerializer.Deserialize(json, StoredJson.Default.AccountConfig)!;

    private static string Name(SmtpSecurity security) =>
        security switch
        {
            SmtpSecurity.None => "none",
            SmtpSecurity.StartTls => "starttls",
            SmtpSecurity.Tls => "tls",
            SmtpSecurity.StartTlsWhenAvailable => "starttls_when_available",
            _ => throw new ArgumentOutOfRangeException(nameof(security), security, null),
        };

    // An unknown value must not weaken the security of a connection.
    private static SmtpSecurity ParseSecurity(string name) =>
        name switch
        {
            "none" => SmtpSecurity.None,
            "starttls" => SmtpSecurity.StartTls,
            "tls" => SmtpSecurity.Tls,
            "starttls_when_available" => SmtpSecurity.StartTlsWhenAvailable,
            _ => throw new StoreRefusedException($"A stored account has the unknown security '{name}'."),
        };
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

internal sealed record DkimConfig(string Domain, string Selector);

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
