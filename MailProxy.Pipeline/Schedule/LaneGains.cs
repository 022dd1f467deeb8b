using System.Collections.Concurrent;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Pipeline.Schedule;

/// <summary>What was taken over: at the start everything that the last run left, later what other nodes did.</summary>
internal sealed class LaneGains(ActiveQueue queue, LaneKeeper lanes, AccountGate gate, ExpiryWatch expiry)
{
    private readonly ConcurrentQueue<(Recovery Recovery, IReadOnlyCollection<LimitKey> Keys)> _posted = [];

    /// <summary>From any thread, before this node may send for the lanes.</summary>
    /// <param name="keys">Limits that were counted elsewhere until now: what was counted here is older.</param>
    public void Post(Recovery recovery, IReadOnlyCollection<LimitKey> keys) => _posted.Enqueue((recovery, keys));

    /// <summary>By the scheduler's loop.</summary>
    public void Apply(long now)
    {
        while (_posted.TryDequeue(out var gain))
        {
            gate.Replace(gain.Keys, gain.Recovery.LimitUses);
            expiry.Next = Math.Min(expiry.Next, gain.Recovery.NextExpiry);
            Wake(gain.Recovery, now);
        }
    }

    public void Begin(Recovery recovery, long now)
    {
        expiry.Next = recovery.NextExpiry;
        gate.Seed(recovery.LimitUses);
        lanes.SeeAccounts();
        Wake(recovery, now);
    }

    private void Wake(Recovery recovery, long now)
    {
        foreach (var (lane, due) in recovery.Lanes)
            queue.DiskHas(lanes.Lane(lane), due, now);
    }
}
