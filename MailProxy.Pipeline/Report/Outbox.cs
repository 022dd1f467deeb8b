using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Report;

/// <summary>Events of one endpoint that are read and not yet acknowledged, cut into requests. Pure.</summary>
/// <remarks>
/// Each message belongs to one of a fixed number of strands, by its id. A request takes the oldest events of as few strands as fill it,
/// and
/// those strands wait until the request is over. So the events of one message arrive in order, a busy log fills several requests at the
/// same
/// time, and a quiet log does not wait for more events.
/// A request, once cut, stays unchanged until it is acknowledged, and keeps its id: the event's id, or for a batch one made of its first
/// and
/// last position. <see cref="Kept"/> tells how batches were cut; what is stored of it is cut in the same way after a restart.
/// </remarks>
internal sealed class Outbox : IEventQueue
{
    // Events held in memory for one endpoint, which limits how far other strands may get ahead of a slow one.
    private const int Ahead = 1000;

    private readonly Strand[] _strands;
    private readonly int _maxBatch;
    private readonly List<OutboxRequest> _cut = [];
    private readonly List<BatchCut> _before;
    private long _read;

    /// <param name="kept">The value of <see cref="Kept"/> that was stored last.</param>
    public Outbox(int strands, int maxBatch, long acknowledged, string? kept = null)
    {
        _strands = [.. Enumerable.Range(0, strands).Select(_ => new Strand())];
        (_maxBatch, _read) = (maxBatch, acknowledged);
        _before = maxBatch > 1 ? BatchCut.Read(kept, strands) : [];
    }

    /// <summary>The position up to which the log has been read.</summary>
    public long Read => _read;

    /// <summary>Number of events that are not acknowledged yet.</summary>
    public int Count { get; private set; }

    public bool HasCapacity => Count < Math.Max(Ahead, 2 * _maxBatch) || Read < Promised;

    public bool IsEmpty => Count == 0;

    public int InFlight { get; private set; }

    /// <summary>Earlier batches cannot be cut as they were until everything up to this position has been read.</summary>
    public long Promised => _before.Count == 0 ? 0 : _before.Max(cut => cut.Last);

    /// <summary>Everything up to this position is acknowledged or was not wanted.</summary>
    public long Acknowledged => Oldest is { } oldest ? oldest.Position - 1 : _read;

    /// <summary>The oldest event that is not acknowledged.</summary>
    public MailEvent? Oldest => _strands.Select(strand => strand.Head).OfType<MailEvent>().MinBy(first => first.Position);

    /// <summary>How the unacknowledged batches were cut; null when there is nothing to store.</summary>
    public string? Kept => BatchCut.Write([.. _before, .. _cut.Select(request => request.Cut).OfType<BatchCut>()], _strands.Length);

    public void Add(IEnumerable<MailEvent> wanted, long through)
    {
        foreach (var mailEvent in wanted)
        {
            _strands[StrandOf(mailEvent.MessageId)].Waiting.Enqueue(mailEvent);
            Count++;
        }

        _read = Math.Max(_read, through);
    }

    /// <summary>Cuts waiting events into requests, from strands that have no request under way.</summary>
    public void Cut()
    {
        foreach (var cut in _before.Where(cut => cut.Last <= _read).ToArray())
        {
            _before.Remove(cut);
            CutAgain(cut);
        }

        var reserved = _before.Aggregate(0UL, (all, cut) => all | cut.Strands);
        while (Free(reserved) is { Count: > 0 } free)
            CutFrom(free, long.MaxValue);
    }

    /// <summary>The next request that may be sent beside those in flight; null when there is none. A batch only once its cut is
    /// stored.</summary>
    public OutboxRequest? Next(string? kept) => Start(_cut.Find(request => !request.InFlight && IsKept(request, kept)));

    /// <summary>
    /// The request that a failing endpoint is tried with: the one with the oldest event. Null when there is none, or when any request is
    /// in
    /// flight.
    /// </summary>
    public OutboxRequest? Probe(string? kept) =>
        InFlight > 0 ? null : Start(_cut.Where(request => IsKept(request, kept)).MinBy(request => request.Events[0].Position));

    /// <summary>Ends a request. If it was not acknowledged, it is sent again unchanged.</summary>
    public void End(OutboxRequest request, bool acknowledged)
    {
        request.InFlight = false;
        InFlight--;
        if (!acknowledged)
            return;
        _cut.Remove(request);
        foreach (var strand in _strands.Where(strand => strand.Request == request))
            strand.Request = null;
        Count -= request.Events.Count;
    }

    private OutboxRequest? Start(OutboxRequest? request)
    {
        if (request is null)
            return null;
        request.InFlight = true;
        InFlight++;
        return request;
    }

    private static bool IsKept(OutboxRequest request, string? kept) => request.Cut is not { } cut || cut.IsIn(kept);

    private void CutAgain(BatchCut cut)
    {
        var strands = _strands.Where((_, index) => cut.Holds(index)).ToList();
        // A strand is only cut after everything before it is acknowledged, so its earlier events are dropped.
        foreach (var strand in strands)
            Count -= strand.Skip(cut.First);
        strands.RemoveAll(strand => strand.Head is not { } head || head.Position > cut.Last);
        if (strands.Count > 0)
            CutFrom(strands, cut.Last);
    }

    /// <summary>The fewest strands that fill a request, beginning with the one that has waited longest.</summary>
    private List<Strand> Free(ulong reserved)
    {
        var enough = 0;
        return
        [
            .. _strands
                .Where((strand, index) => strand.Request is null && strand.Waiting.Count > 0 && (reserved >> index & 1) == 0)
                .OrderBy(strand => strand.Waiting.Peek().Position)
                .TakeWhile(strand => (enough += strand.Waiting.Count) - strand.Waiting.Count < _maxBatch),
        ];
    }

    private void CutFrom(List<Strand> strands, long last)
    {
        var events = new List<MailEvent>();
        while (
            events.Count < _maxBatch
            && strands.Where(strand => strand.Waiting.Count > 0).MinBy(strand => strand.Waiting.Peek().Position) is { } next
        )
        {
            if (next.Waiting.Peek().Position > last)
                break;
            events.Add(next.Waiting.Dequeue());
        }

        var request = new OutboxRequest(events, _maxBatch > 1 ? new(Mask(strands), events[0].Position, events[^1].Position) : null);
        foreach (var strand in strands)
            strand.Request = request;
        _cut.Add(request);
    }

    private ulong Mask(List<Strand> strands) => strands.Aggregate(0UL, (mask, strand) => mask | 1UL << Array.IndexOf(_strands, strand));

    // FNV-1a, because string.GetHashCode differs from run to run.
    private int StrandOf(string? message)
    {
        var hash = 2166136261u;
        foreach (var letter in message ?? "")
            hash = (hash ^ letter) * 16777619u;
        return (int)(hash % (uint)_strands.Length);
    }

    private sealed class Strand
    {
        public Queue<MailEvent> Waiting { get; } = new();

        /// <summary>The request that holds the strand's events.</summary>
        public OutboxRequest? Request { get; set; }

        /// <summary>Drops the events before a position, and returns how many.</summary>
        public int Skip(long first)
        {
            var dropped = 0;
            for (; Waiting.TryPeek(out var head) && head.Position < first; dropped++)
                Waiting.Dequeue();
            return dropped;
        }

        public MailEvent? Head => Request?.Events[0] ?? (Waiting.TryPeek(out var head) ? head : null);
    }
}
