using MailProxy.Pipeline.Sharing;
using Microsoft.Extensions.Options;

namespace MailProxy.Daemon.Api;

/// <summary>Requests that wait for events, shared by the tenants.</summary>
internal sealed class LongPolls
{
    public static readonly ProblemAnswer TooMany = new(
        new(429, "too_many_long_polls", "So many requests of the tenant wait for events already; each reader needs one, in a loop."),
        5
    );

    private readonly SharedCapacity _polls;

    public LongPolls(IOptions<ApiOptions> options, TenantShare share, TenantShares shares)
    {
        _polls = new(options.Value.MaxLongPolls, share);
        shares.Add("long_polls", _polls);
    }

    /// <summary>Null: the tenant's share waits already.</summary>
    public IDisposable? TryTake(string tenant) => _polls.TryTake(tenant, 1);
}
