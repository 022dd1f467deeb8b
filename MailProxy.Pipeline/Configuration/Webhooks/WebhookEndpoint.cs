namespace MailProxy.Pipeline.Configuration.Webhooks;

/// <summary>The protocol of an endpoint. Stored as a number: never renumber.</summary>
public enum ReportStyle : byte
{
    /// <summary>Standard Webhooks 1.0.</summary>
    Events = 0,

    /// <summary>Delivery reports whose answers decide about the next one.</summary>
    Sync = 1,

    /// <summary>The reports of genro-mail-proxy, each of which is acknowledged whole.</summary>
    Genro = 2,

    /// <summary>The same as they were in 2025: of final states only, every entry with every member.</summary>
    GenroFinal = 3,
}

/// <summary>The names of styles in the contract.</summary>
public static class ReportStyles
{
    public static readonly Names<ReportStyle> Names = new(
        ("events", ReportStyle.Events),
        ("sync", ReportStyle.Sync),
        ("genro", ReportStyle.Genro),
        ("genro_final", ReportStyle.GenroFinal)
    );

    /// <summary>Whether its reports are acknowledged whole, and its endpoint is never disabled.</summary>
    public static bool IsGenro(this ReportStyle style) => style is ReportStyle.Genro or ReportStyle.GenroFinal;

    public static string Name(this ReportStyle style) => Names.Of(style);
}

/// <summary>A webhook: where a tenant's events are sent.</summary>
/// <param name="Secret">Standard Webhooks secret, <c>whsec_…</c>; encrypted at rest.</param>
/// <param name="Types">The wanted event types; empty: all.</param>
/// <param name="MaxBatch">Most events per request, 1 to 1,000.</param>
public sealed record WebhookEndpoint(
    string Tenant,
    string Id,
    string Url,
    string Secret,
    IReadOnlyList<string> Types,
    bool FinalOnly,
    int MaxBatch,
    bool Paused,
    EndpointProgress? Progress = null
)
{
    /// <summary>How far it is, which is no part of what is configured: the delivery log reads it, and nobody else may ask.</summary>
    public EndpointProgress Progress
    {
        get => field ?? throw new InvalidOperationException($"Nobody has read how far the webhook {this} is.");
        init;
    } = Progress;

    public ReportStyle Style { get; init; }

    /// <summary>Styles sync, genro and genro_final: whether it is also called when there is nothing to report.</summary>
    public bool EmptyReports { get; init; } = true;

    /// <summary>Credentials that every request carries in addition to the signature; encrypted at rest.</summary>
    public SourceAuth? Auth { get; init; }

    /// <summary>The secret before the last rotation, which also signs until <see cref="PreviousUntil"/>.</summary>
    public string? PreviousSecret { get; init; }

    /// <summary>Unix milliseconds.</summary>
    public long? PreviousUntil { get; init; }

    /// <summary>Raised by every change that a person makes, and never given twice to webhooks of the same name; progress does not raise
    /// it.</summary>
    public long Version { get; init; }

    // The generated ToString of a record would write the secret into a log.
    public override string ToString() => $"{Tenant}/{Id}";
}
