using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Schedule;

/// <summary>
/// One batch's tickets of one priority of a lane: fresh (due 0) and deferred in turns, each by due time and arrival.
/// </summary>
internal sealed class FlowTickets
{
    private TicketHeap? _fresh;
    private TicketHeap? _deferred;
    private bool _isDeferredTurn; // while there are both

    public FlowKey Flow { get; private set; }

    public int Count => (_fresh?.Count ?? 0) + (_deferred?.Count ?? 0);

    /// <summary>How many it gives in its turn.</summary>
    public int Weight { get; set; } = 1;

    /// <summary>How many it has given in this turn.</summary>
    public int Given { get; set; }

    /// <summary>For how many turns it has enough.</summary>
    public int Turns => Weight == 1 ? Count : (Count + Weight - 1) / Weight;

    /// <summary>The disk has more of the batch that is due.</summary>
    public bool HasMore { get; set; }

    // ── Positions in the round ──
    public FlowTickets Next { get; set; } = null!;
    public FlowTickets Before { get; set; } = null!;
    public int SizeIndex { get; set; } = -1;

    /// <summary>The ticket that <see cref="TakeFirst"/> takes. There must be one.</summary>
    public ref readonly QueuedMail First => ref (IsDeferredNext ? _deferred! : _fresh!).First;

    private bool IsDeferredNext => _fresh is not { Count: > 0 } || (_isDeferredTurn && _deferred is { Count: > 0 });

    /// <summary>Begins with a batch of which there is nothing here.</summary>
    public FlowTickets Of(FlowKey flow, int weight)
    {
        if (flow != Flow)
            _isDeferredTurn = false;
        (Flow, Weight, Given, HasMore) = (flow, weight, 0, false);
        return this;
    }

    public void Add(in QueuedMail ticket) => (ticket.Due > 0 ? _deferred ??= new() : _fresh ??= new()).Add(ticket);

    public QueuedMail TakeFirst()
    {
        var isDeferred = IsDeferredNext;
        _isDeferredTurn = !isDeferred;
        return (isDeferred ? _deferred! : _fresh!).TakeFirst();
    }

    /// <summary>Takes the ticket that may wait longest: the last of the larger half.</summary>
    public QueuedMail TakeLast() => ((_fresh?.Count ?? 0) >= (_deferred?.Count ?? 0) ? _fresh! : _deferred!).TakeLast();

    /// <summary>Whether a ticket of its kind goes after this one.</summary>
    public bool EndsAfter(in QueuedMail ticket) =>
        (ticket.Due > 0 ? _deferred : _fresh) is { Count: > 0 } heap && TicketHeap.Before(ticket, heap.Last);
}
