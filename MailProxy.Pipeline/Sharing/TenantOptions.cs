using System.ComponentModel.DataAnnotations;

namespace MailProxy.Pipeline.Sharing;

/// <summary>How tenants share what they use together.</summary>
public sealed class TenantOptions
{
    /// <summary>
    /// The part of what the other tenants leave that one tenant may hold of anything shared: memory for requests, attempts under way,
    /// fetches, mail set aside, long polls and the like. It binds from the second tenant on; 1 lets one tenant take everything.
    /// </summary>
    [Range(0.05, 1)]
    public double Share { get; init; } = 0.5;

    /// <summary>
    /// SMTP accounts that a tenant's own keys may make; one more is 422 <c>quota_exceeded</c>. The admin key is not held to this and the
    /// next quotas.
    /// </summary>
    [Range(0, 1_000_000)]
    public int MaxAccounts { get; init; } = 100;

    /// <summary>Volumes that a tenant's own keys may make.</summary>
    [Range(0, 1_000_000)]
    public int MaxVolumes { get; init; } = 50;

    /// <summary>Webhooks that a tenant's own keys may make.</summary>
    [Range(0, 1_000_000)]
    public int MaxWebhooks { get; init; } = 20;

    /// <summary>Batches that a tenant's own keys may hold suspended at a time.</summary>
    [Range(0, 1_000_000)]
    public int MaxSuspendedBatches { get; init; } = 200;

    /// <summary>Entries that a tenant's own keys may put onto its suppression list; those that bounces make are not held to it.</summary>
    [Range(0, 100_000_000)]
    public int MaxSuppressions { get; init; } = 2_000_000;

    /// <summary>Keys of one tenant, whoever makes them.</summary>
    [Range(1, 1_000_000)]
    public int MaxKeys { get; init; } = 100;

    /// <summary>Changes of configuration a minute by one tenant's own keys; more are 429 <c>too_many_changes</c>.</summary>
    [Range(1, 1_000_000)]
    public int ChangesPerMinute { get; init; } = 1_000;

    /// <summary>
    /// Tests of accounts, volumes and webhooks under way at a time, by all tenants; a tenant has its share. More are 429
    /// <c>too_many_tests</c>.
    /// </summary>
    [Range(1, 1_000)]
    public int Tests { get; init; } = 16;
}
