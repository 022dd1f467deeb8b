using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Report;
using MailProxy.Pipeline.Schedule;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Pipeline;

/// <summary>Takes lanes over from other nodes: their doubts are settled and their limits' uses read before the first of their mail is
/// chosen.</summary>
internal sealed class LaneTakeOver(
    PipelineServices shared,
    ReportStage report,
    AccountWatch watch,
    DestinationGate gate,
    ScheduleStage schedule
)
{
    private ILaneStore Store => shared.Lanes ?? throw new InvalidOperationException("The store has no lanes of other nodes.");

    public async Task RunAsync(IReadOnlyCollection<LaneKey> lanes)
    {
        var now = shared.Clock.GetUtcNow().ToUnixTimeMilliseconds();
        var recovery = await Store.TakeOverAsync(lanes, now);
        await report.SettleOpenAsync(recovery);
        var gained = lanes.ToHashSet();
        bool IsGained(AccountKey account) => gained.Contains(Lanes.Of(account));
        watch.TakeOver(IsGained, await shared.Circuits.AllAsync());
        gate.Seed((await shared.Destinations.ReadAsync(now)).Where(use => IsGained(use.Account)));
        schedule.TakeOver(recovery, Keys(gained));
    }

    /// <summary>Looks at what is waiting, when news of other nodes may have been missed.</summary>
    public async Task SweepAsync(Wake wake)
    {
        var view = shared.Leases.Now;
        watch.TakeOver(account => !view.Holds(Lanes.Of(account)), await shared.Circuits.AllAsync());
        foreach (var (lane, due) in await Store.LanesAsync())
        {
            if (view.Holds(lane))
                wake.Due(lane, due);
        }

        await Store.SweepBodiesAsync();
    }

    // A limit that this node has counted for other lanes all the time is known better here: not all of it is settled.
    private HashSet<LimitKey> Keys(HashSet<LaneKey> gained)
    {
        var (view, directory) = (shared.Leases.Now, shared.Accounts.Directory);
        var keys = new HashSet<LimitKey>();
        foreach (var account in directory.All.Where(account => gained.Contains(Lanes.Of(account.Key))))
        {
            keys.Add(LimitKey.Of(account.Key));
            if (directory.Tenants.Find(account.Tenant) is { } tenant && !directory.LanesOf(account.Tenant).Any(view.Holds))
                keys.Add(tenant.LimitKey);
        }

        if (!directory.All.Any(account => view.Holds(Lanes.Of(account.Key))))
            keys.Add(LimitKey.Installation);
        return keys;
    }
}
