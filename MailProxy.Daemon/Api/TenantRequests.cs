using MailProxy.Pipeline.Sharing;

namespace MailProxy.Daemon.Api;

/// <summary>Requests under way, shared by the tenants: whatever they wait for, connections are left for the others.</summary>
internal sealed class TenantRequests
{
    private readonly SharedCapacity _requests;

    public TenantRequests(ConnectionLimit limit, TenantShare share, TenantShares shares)
    {
        _requests = new(limit.Most, share);
        shares.Add("requests", _requests);
    }

    /// <summary>Null: the tenant has its share under way.</summary>
    public IDisposable? TryTake(Caller caller) => _requests.TryTake(caller.IsAdmin ? ReadTurns.Everybody : caller.Tenant, 1);
}
