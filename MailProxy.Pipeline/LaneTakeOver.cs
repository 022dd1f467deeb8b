using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Report;
using MailProxy.Pipeline.Schedule;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Pipeline;

/// <summary>Takes lanes over from other nodes: their doubts are settled and their limits' uses read before the first of their mail is
/// chosen.</summary>
public sealed class LaneTakeOver
{
    private readonly PipelineServices _shared;
    private readonly ReportStage _report;
    private readonly AccountWatch _watch;
    private readonly DestinationGate _gate;
    private readonly ScheduleStage _schedule;
    private readonly Wake _wake;

    internal LaneTakeOver(
        PipelineServices shared,
        ReportStage report,
        AccountWatch watch,
        DestinationGate gate,
        ScheduleStage schedule,
        Wake wake
    ) => (_shared, _report, _watch, _gate, _schedule, _wake) = (shared, report, watch, gate, schedule, wake);

    /// <summary>How these accounts stand is in the store.</summary>
    public event Action<IReadOnlyCollection<AccountKey>> Saved
    {
        add => _watch.Saved += value;
        remove => _watch.Saved -= value;
    }

    /// <summary>Whether the next node that sends for a lane will find in the store all that is known here.</summary>
    public bool IsWritten(LaneKey lane) => Lanes.PoolOf(lane) is not null || _watch.IsWritten(Lanes.AccountOf(lane));

    private ILaneStore Store => _shared.Lanes ?? throw new InvalidOperationException("The store has no lanes of other nodes.");

    public async Task RunAsync(IReadOnlyCollection<LaneKey> lanes)
    {
        var now = _shared.Clock.GetUtcNow().ToUnixTimeMilliseconds();
        var recovery = await Store.TakeOverAsync(lanes, now);
        await _report.SettleOpenAsync(recovery);
        var gained = lanes.ToHashSet();
        bool IsGained(AccountKey account) => gained.Contains(Lanes.Of(account));
        _watch.TakeOver(IsGained, await _shared.Circuits.AllAsync());
        _gate.Seed((await _shared.Destinations.ReadAsync(now)).Where(use => IsGained(use.Account)));
        _schedule.TakeOver(recovery, Keys(gained));
    }

    /// <summary>Another node has written how accounts stand: its own, or such as are sent for here.</summary>
    public async Task HearAsync()
    {
        var circuits = await _shared.Circuits.AllAsync();
        var view = _shared.Leases.Now;
        _watch.TakeOver(account => !view.Holds(Lanes.Of(account)), circuits);
        _watch.Hear(account => view.Holds(Lanes.Of(account)), circuits);
    }

    /// <summary>Looks at what is waiting, when news of other nodes may have been missed.</summary>
    public async Task SweepAsync()
    {
        var circuits = await _shared.Circuits.AllAsync();
        var view = _shared.Leases.Now; // behind the reading: what was gained meanwhile is known better here
        _watch.TakeOver(account => !view.Holds(Lanes.Of(account)), circuits);
        foreach (var (lane, due) in await Store.LanesAsync())
        {
            if (view.Holds(lane))
                _wake.Due(lane, due);
        }

        await Store.SweepBodiesAsync();
    }

    // A limit that this node has counted for other lanes all the time is known better here: not all of it is settled.
    private HashSet<LimitKey> Keys(HashSet<LaneKey> gained)
    {
        var (view, directory) = (_shared.Leases.Now, _shared.Accounts.Directory);
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
