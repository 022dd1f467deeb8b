using MailProxy.Pipeline.Intake;
using MailProxy.Pipeline.Sharing;

namespace MailProxy.Daemon.Api;

/// <summary>
/// Turns of reading what may be long: lists, counts, whole messages. As many at once as there are processors, of which one tenant has its
/// share, so that
/// whoever lists in a loop leaves the others' requests a processor.
/// </summary>
internal sealed class ReadTurns
{
    /// <summary>Stands for the holder of the admin key in lists over all tenants; no tenant is called so.</summary>
    public const string Everybody = "*";

    private readonly SharedCapacity _turns;
    private readonly IngestOptions _limits;
    private readonly TimeProvider _clock;

    public ReadTurns(IngestOptions limits, TenantShare share, TenantShares shares, TimeProvider clock)
    {
        (_limits, _clock) = (limits, clock);
        _turns = new(Math.Max(2, Environment.ProcessorCount), share);
        shares.Add("reads", _turns);
    }

    /// <summary>
    /// Reads when its turn has come; throws <see cref="OverloadedException"/> when it does not come within a request's wait.
    /// </summary>
    public async Task<T> RunAsync<T>(HttpContext http, Func<Task<T>> read)
    {
        var caller = Caller.Of(http);
        var tenant = caller.IsAdmin ? Everybody : caller.Tenant;
        var turn = _turns.TryTake(tenant, 1);
        if (turn is null)
        {
            var wait = new WaitBudget(_limits.RequestWait, _clock);
            await wait.TryAsync(async (at, cancel) => turn = await at.TakeAsync(tenant, 1, cancel), _turns, http.RequestAborted);
        }

        using (turn ?? throw new OverloadedException())
            return await read();
    }
}

/// <summary>There is no capacity for the request now: 503, to come again.</summary>
internal sealed class OverloadedException() : Exception("There is no capacity for the request now.");
