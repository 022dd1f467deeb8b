using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Report;

/// <summary>Events of one endpoint between "read" and "acknowledged", cut into requests. Pure.</summary>
/// <remarks>
/// Each message belongs to one of a fixed number of strands by its id, and a strand has one request at a time: so one message's events arrive
/// in order, and strands do not wait for each other. A request once cut stays as it is until it is acknowledged, under one id.
/// Its id is the event's, or for batches made of the first and last position and so the same whenever the same events are cut again; after a restart
/// an unacknowledged batch may be cut longer, then under another id, with the same event ids in it.
/// </remarks>
internal sealed class Outbox(int strands, int maxBatch, long acknowledged)
{
    private readonly Strand[] _strands = [.. Enumerable.Range(0, strands).Select(_ => new Strand())];
    private long _read = acknowledged;

    /// <summary>Everything up to here was read from the log.</summary>
    public long Read => _read;

    /// <summary>Events not acknowledged yet.</summary>
    public int Count { get; private set; }

    public int InFlight { get; private set; }

    /// <summary>Everything up to here is acknowledged or was not wanted.</summary>
    public long Acknowledged => Oldest is { } oldest ? oldest.Position - 1 : _read;

    /// <summary>The oldest event that is not acknowledged.</summary>
    public MailEvent? Oldest => _strands.Select(strand => strand.Head).OfType<MailEvent>().MinBy(first => first.Position);

    public void Add(IEnumerable<MailEvent> wanted, long through)
    {
        foreach (var mailEvent in wanted)
        {
            _strands[StrandOf(mailEvent.MessageId)].Waiting.Enqueue(mailEvent);
            Count++;
        }

        _read = Math.Max(_read, through);
    }

    /// <summary>The next request that may go out beside those in flight, or null.</summary>
    public OutboxRequest? Next()
    {
        foreach (var strand in _strands)
        {
            if (!strand.InFlight && strand.Head is not null) return Start(strand);
        }

        return null;
    }

    /// <summary>The request with the oldest event, or null when there is none or any is in flight: what a failing endpoint is tried with.</summary>
    public OutboxRequest? Probe() =>
        InFlight > 0 || Oldest is not { } oldest ? null : Start(Array.Find(_strands, strand => strand.Head == oldest)!);

    /// <summary>The request is over. Not acknowledged, it goes out again unchanged.</summary>
    public void End(OutboxRequest request, bool acknowledged)
    {
        var strand = Array.Find(_strands, strand => strand.Cut == request)!;
        strand.InFlight = false;
        InFlight--;
        if (!acknowledged) return;
        strand.Cut = null;
        Count -= request.Events.Count;
    }

    private OutboxRequest Start(Strand strand)
    {
        if (strand.Cut is null)
        {
            var events = new List<MailEvent>(Math.Min(maxBatch, strand.Waiting.Count));
            while (events.Count < maxBatch && strand.Waiting.TryDequeue(out var next)) events.Add(next);
            strand.Cut = new(events, asBatch: maxBatch > 1);
        }

        strand.InFlight = true;
        InFlight++;
        return strand.Cut;
    }

    // FNV-1a: unlike string.GetHashCode the same in every run.
    private int StrandOf(string? message)
    {
        var hash = 2166136261u;
        foreach (var letter in message ?? "") hash = (hash ^ letter) * 16777619u;
        return (int)(hash % (uint)_strands.Length);
    }

    private sealed class Strand
    {
        public Queue<MailEvent> Waiting { get; } = new();
        public OutboxRequest? Cut { get; set; }
        public bool InFlight { get; set; }
        public MailEvent? Head => Cut?.Events[0] ?? Waiting.GetValueOrDefault();
    }
}

file static class QueueExtensions
{
    public static T? GetValueOrDefault<T>(this Queue<T> queue) where T : class => queue.TryPeek(out var head) ? head : null;
}
