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
}
