using MailProxy.Pipeline.Intake;
using MailProxy.Pipeline.Sharing;

namespace MailProxy.Daemon.Api;

/// <summary>Places for submissions that wait to be judged and stored, shared by the tenants.</summary>
internal sealed class SubmissionPlaces
{
    private readonly SharedCapacity _places;

    public SubmissionPlaces(IngestOptions limits, TenantShare share, TenantShares shares)
    {
        _places = new(limits.ChannelCapacity, share);
        shares.Add("submissions", _places);
    }

    /// <summary>Null: there was none to be had within the request's wait.</summary>
    public async ValueTask<IDisposable?> TakeAsync(string tenant, WaitBudget wait, CancellationToken gone)
    {
        if (_places.TryTake(tenant, 1) is { } free)
            return free;
        SharedCapacity.Charge? place = null;
        await wait.TryAsync(async (at, cancel) => place = await at.TakeAsync(tenant, 1, cancel), _places, gone);
        return place;
    }
}
