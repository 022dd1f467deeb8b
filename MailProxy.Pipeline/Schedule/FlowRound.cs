using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Schedule;

/// <summary>
/// The tickets of one priority of a lane, batch by batch in turn: each batch that has any gives one, or as many as it weighs, and goes to
/// the end of the round. Where there is one batch only, or no mail in batches, that is the order of its tickets. Pure.
/// </summary>
internal sealed class FlowRound(FlowWeights weights)
{
    /// <summary>The fewest tickets that a batch has here while others have many: what one turn of the scheduler may pick.</summary>
    private const int Enough = 32;

    /// <summary>A batch is short of tickets when it has some for less than this part of the turns for which the largest has.</summary>
    private const int Part = 4;

    private readonly FlowSizes _sizes = new();
    private Dictionary<FlowKey, FlowTickets>? _flows; // while there are two or more
    private FlowTickets? _turn; // whose turn it is
    private FlowTickets? _spare;
    private FlowWeights _weights = weights;

    /// <summary>Number of batches.</summary>
    public int Flows => _sizes.Count;

    public bool IsEmpty => _turn is null;

    /// <summary>The batch whose turn it is. There must be one.</summary>
    public FlowKey Turn => _turn!.Flow;

    /// <summary>Whether some batch has so many tickets that another may be short of some.</summary>
    public bool IsUneven => Largest >= 2 * Part;

    /// <summary>The ticket that <see cref="TakeFirst"/> takes. There must be one.</summary>
    public ref readonly QueuedMail First => ref _turn!.First;

    private int Largest => _turn is null ? 0 : _sizes.Largest.Turns;

    public void Add(in QueuedMail ticket)
    {
        var flow = Find(ticket.Flow) ?? Enter(ticket.Flow);
        flow.Add(ticket);
        _sizes.Settle(flow);
    }

    /// <param name="isShort">Its batch is short of tickets now, and the disk has some.</param>
    public QueuedMail TakeFirst(out bool isShort)
    {
        var flow = _turn!;
        var ticket = flow.TakeFirst();
        if (++flow.Given >= flow.Weight)
            (flow.Given, _turn) = (0, flow.Next);
        Took(flow);
        isShort = flow.HasMore && IsShort(flow);
        return ticket;
    }

    /// <summary>Takes the ticket that may wait longest: the last of the largest batch.</summary>
    public QueuedMail TakeLast()
    {
        var flow = _sizes.Largest;
        var ticket = flow.TakeLast();
        flow.HasMore = true;
        Took(flow);
        return ticket;
    }

    /// <summary>A ticket was turned away.</summary>
    /// <returns>Its batch is short of tickets.</returns>
    public bool TurnedAway(FlowKey key)
    {
        var flow = Find(key);
        if (flow is not null)
            flow.HasMore = true;
        return IsShort(flow);
    }

    /// <summary>Whether the ticket precedes one of its own batch.</summary>
    public bool Precedes(in QueuedMail ticket) => Find(ticket.Flow)?.EndsAfter(ticket) ?? false;

    /// <summary>Whether the ticket precedes one here: of its own batch, or of a batch that has more.</summary>
    public bool Outranks(in QueuedMail ticket)
    {
        var flow = Find(ticket.Flow);
        var weight = flow?.Weight ?? _weights.Of(ticket.Flow);
        return (flow?.EndsAfter(ticket) ?? false) || ((flow?.Count ?? 0) + weight) / weight < Largest;
    }

    /// <summary>Adds the batches that are not short of tickets.</summary>
    public void AddNotShort(Priority priority, ISet<(Priority, FlowKey)> to)
    {
        var flow = _turn;
        for (var left = Flows; left > 0; left--, flow = flow.Next)
        {
            if (flow!.Turns >= Math.Max(2, Shortage))
                to.Add((priority, flow.Flow));
        }
    }

    /// <summary>The disk has told all that it has, but of the batches that it was not asked for.</summary>
    public void KnowsAll(Priority priority, IReadOnlySet<(Priority, FlowKey)>? notAsked)
    {
        var flow = _turn;
        for (var count = Flows; count > 0; count--, flow = flow.Next)
            flow!.HasMore &= notAsked?.Contains((priority, flow.Flow)) ?? false;
    }

    /// <summary>The disk has more of the batch.</summary>
    public void HasMore(FlowKey key)
    {
        if (Find(key) is { } flow)
            flow.HasMore = true;
    }

    /// <summary>Batches weigh otherwise from now on.</summary>
    public void Weigh(FlowWeights weights)
    {
        _weights = weights;
        var flow = _turn;
        for (var count = Flows; count > 0; count--, flow = flow.Next)
            flow!.Weight = weights.Of(flow.Flow);
        _sizes.SettleAll();
    }

    private int Shortage => Math.Min(Enough, Largest / Part);

    private bool IsShort(FlowTickets? flow) => IsUneven && (flow?.Turns ?? 0) < Shortage;

    private FlowTickets? Find(FlowKey key) =>
        _turn is null ? null
        : _turn.Flow == key ? _turn
        : Flows == 1 ? null
        : _flows!.GetValueOrDefault(key);

    // At the end of the round.
    private FlowTickets Enter(FlowKey key)
    {
        var flow = (_spare ?? new()).Of(key, _weights.Of(key));
        _spare = null;
        if (_turn is null)
        {
            _turn = flow.Next = flow.Before = flow;
        }
        else
        {
            if (Flows == 1)
                (_flows ??= [])[_turn.Flow] = _turn;
            _flows![key] = flow;
            (flow.Before, flow.Next) = (_turn.Before, _turn);
            flow.Before.Next = flow.Next.Before = flow;
        }

        _sizes.Add(flow);
        return flow;
    }

    private void Took(FlowTickets flow)
    {
        if (flow.Count > 0)
        {
            _sizes.Settle(flow);
            return;
        }

        _sizes.Remove(flow);
        (flow.Before.Next, flow.Next.Before) = (flow.Next, flow.Before);
        if (_turn == flow)
            _turn = flow.Next;
        if (Flows == 0)
            _turn = null;
        _flows?.Remove(flow.Flow);
        if (Flows == 1)
            _flows?.Remove(_turn!.Flow);
        _spare = flow;
    }
}
