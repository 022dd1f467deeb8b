using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Storage.Sql;

namespace MailProxy.Tests.Schedule;

/// <summary>What a store keeps of the permits that were spent: counts by slot.</summary>
internal sealed class LimitSlots
{
    private static readonly int[] Windows = [60, 3600, 86400];
    private readonly Dictionary<(LimitKey Key, int Window, long Slot), int> _counts = [];

    public static long Of(int seconds, long at) => LimitUses.Slot(seconds, at);

    public void Count(LimitKey key, long at, int permits)
    {
        foreach (var window in Windows)
        {
            var slot = (key, window, Of(window, at));
            _counts[slot] = _counts.GetValueOrDefault(slot) + permits;
        }
    }

    /// <summary>What a start reads.</summary>
    public IReadOnlyList<LimitUse> Read(long now)
    {
        foreach (var (key, window, slot) in _counts.Keys.ToArray())
        {
            if (slot <= now - (window * 1000L) - (window * 25L / 3))
                _counts.Remove((key, window, slot));
        }

        return [.. _counts.Select(pair => new LimitUse(pair.Key.Key, pair.Key.Window, pair.Key.Slot, pair.Value))];
    }
}
