namespace MailProxy.Pipeline.Schedule;

/// <summary>
/// What was counted in the last so many seconds: a ring of slots. Every count stays for at least the whole window and at most a slot
/// longer, so that no stretch of that length ever sees more than the limit. Times are milliseconds and never run backwards here.
/// </summary>
internal sealed class RollingWindow(int seconds)
{
    /// <summary>Slots to a window; the ring has one more for the slot that has begun.</summary>
    public const int Slots = 120;

    private int[] _counts = []; // made with the first count
    private long _newest = long.MinValue / 2;

    /// <summary>The sum, as of the last <see cref="Advance"/>.</summary>
    public long Used { get; private set; }

    public void Advance(long now)
    {
        var slot = SlotOf(now);
        if (slot <= _newest)
            return;
        if (Used == 0 || slot - _newest > Slots)
        {
            if (Used != 0)
                Array.Clear(_counts);
            Used = 0;
            _newest = slot;
            return;
        }

        while (_newest < slot)
        {
            ref var oldest = ref Count(++_newest);
            Used -= oldest;
            oldest = 0;
        }
    }

    public void Add(long now, int count)
    {
        Advance(now);
        Make();
        Count(_newest) += count;
        Used += count;
    }

    /// <summary>Adds what was counted at an earlier time; a time to come counts as now, and one that is over not at all.</summary>
    public void AddPast(long at, int count)
    {
        var slot = Math.Min(SlotOf(at), _newest);
        if (slot < _newest - Slots)
            return;
        Make();
        Count(slot) += count;
        Used += count;
    }

    public void Clear()
    {
        Array.Clear(_counts);
        Used = 0;
    }

    /// <summary>
    /// When at least <paramref name="enough"/> of what is counted will have passed; what is not counted yet counts as of now.
    /// </summary>
    public long PassedAt(long enough)
    {
        for (var slot = _newest - Slots; slot <= _newest && _counts.Length > 0; slot++)
        {
            enough -= Count(slot);
            if (enough <= 0)
                return Start(slot + Slots + 1);
        }

        return Start(_newest + Slots + 1);
    }

    /// <summary>What was counted in slots that end after a time.</summary>
    public long UsedSince(long at)
    {
        var used = 0L;
        for (var slot = Math.Max(SlotOf(at), _newest - Slots); slot <= _newest && _counts.Length > 0; slot++)
            used += Count(slot);
        return used;
    }

    /// <summary>The counts by the start of their slots, oldest first.</summary>
    public IEnumerable<(long At, int Count)> Counted()
    {
        if (Used == 0)
            yield break;
        for (var slot = _newest - Slots; slot <= _newest; slot++)
        {
            if (Count(slot) is var count && count > 0)
                yield return (Start(slot), count);
        }
    }

    private void Make()
    {
        if (_counts.Length == 0)
            _counts = new int[Slots + 1];
    }

    private long SlotOf(long at) => at * Slots / (seconds * 1000L);

    private long Start(long slot) => ((slot * seconds * 1000L) + Slots - 1) / Slots;

    private ref int Count(long slot) => ref _counts[(int)(slot % (Slots + 1))];
}
