using System.ComponentModel.DataAnnotations;

namespace MailProxy.Pipeline.Sharing;

/// <summary>How tenants share what they use together.</summary>
public sealed class TenantOptions
{
    /// <summary>
    /// The part of what the other tenants leave that one tenant may hold of anything shared: memory for requests, attempts
    /// under way, fetches, mail set aside, long polls and the like. Default 0.5; 1 lets one tenant take everything.
    /// </summary>
    [Range(0.05, 1)]
    public double Share { get; init; } = 0.5;

    /// <summary>SMTP accounts that a tenant's own keys may make; default 100.</summary>
    [Range(0, 1_000_000)]
    public int MaxAccounts { get; init; } = 100;

    /// <summary>Volumes that a tenant's own keys may make; default 50.</summary>
    [Range(0, 1_000_000)]
    public int MaxVolumes { get; init; } = 50;

    /// <summary>Webhooks that a tenant's own keys may make; default 20.</summary>
    [Range(0, 1_000_000)]
    public int MaxWebhooks { get; init; } = 20;

    /// <summary>Batches that a tenant's own keys may hold suspended at a time; default 200.</summary>
    [Range(0, 1_000_000)]
    public int MaxSuspendedBatches { get; init; } = 200;

    /// <summary>Keys of one tenant; default 100.</summary>
    [Range(1, 1_000_000)]
    public int MaxKeys { get; init; } = 100;

    /// <summary>Changes of configuration a minute by one tenant's own keys; default 1,000.</summary>
    [Range(1, 1_000_000)]
    public int ChangesPerMinute { get; init; } = 1_000;

    /// <summary>Tests of accounts, volumes and webhooks under way at a time, by all tenants together; default 16.</summary>
    [Range(1, 1_000)]
    public int Tests { get; init; } = 16;
}
