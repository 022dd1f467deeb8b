using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Report;

/// <summary>Events in order, from being read to being acknowledged. Pure.</summary>
/// <param name="isKnown">Whether the event at a position is already among the resends.</param>
internal sealed class SyncQueue(long acknowledged, int maxBatch, Func<long, bool> isKnown) : IEventQueue
{
    private const int Ahead = 1000;

    private Queue<MailEvent> _waiting = new();

    public long Read { get; private set; } = acknowledged;

    public bool HasCapacity => _waiting.Count < Math.Max(Ahead, 2 * maxBatch);

    public bool IsEmpty => _waiting.Count == 0;

    public int Count => _waiting.Count;

    public MailEvent? Oldest => _waiting.TryPeek(out var oldest) ? oldest : null;

    /// <summary>Everything up to this position is acknowledged, was not wanted, or is among the resends.</summary>
    public long Acknowledged => Oldest is { } oldest ? oldest.Position - 1 : Read;

    public IEnumerable<MailEvent> Waiting => _waiting;

    public void Add(IEnumerable<MailEvent> wanted, long through)
    {
        foreach (var one in wanted.Where(one => !isKnown(one.Position)))
            _waiting.Enqueue(one);
        Read = Math.Max(Read, through);
    }

    /// <summary>Removes the oldest events, which were sent.</summary>
    public void Take(int count)
    {
        for (var i = 0; i < count; i++)
            _waiting.Dequeue();
    }

    /// <summary>Removes events that are among the resends from now on.</summary>
    public void Remove(IReadOnlyCollection<MailEvent> some)
    {
        if (some.Count > 0)
            _waiting = new(_waiting.Where(one => !some.Contains(one)));
    }
}
