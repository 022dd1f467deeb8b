namespace MailProxy.Pipeline.Schedule;

/// <summary>Batches by how many turns their tickets are enough for, most first. A batch knows its index, so that a change costs O(log n).
/// </summary>
internal sealed class FlowSizes
{
    private FlowTickets[] _items = new FlowTickets[1];

    public int Count { get; private set; }

    public FlowTickets Largest => _items[0];

    public void Add(FlowTickets flow)
    {
        if (Count == _items.Length)
            Array.Resize(ref _items, Count * 2);
        Put(Count++, flow);
    }

    public void Remove(FlowTickets flow)
    {
        var at = flow.SizeIndex;
        flow.SizeIndex = -1;
        var last = _items[--Count];
        _items[Count] = null!;
        if (at < Count)
        {
            Put(at, last);
            Settle(last);
        }
    }

    /// <summary>Puts a batch where it belongs after its number of tickets has changed.</summary>
    public void Settle(FlowTickets flow)
    {
        if (Count == 1)
            return;
        var at = flow.SizeIndex;
        for (; at > 0 && _items[(at - 1) / 2] is var up && up.Turns < flow.Turns; at = (at - 1) / 2)
            Put(at, up);
        for (; ; )
        {
            var child = 2 * at + 1;
            if (child >= Count)
                break;
            if (child + 1 < Count && _items[child + 1].Turns > _items[child].Turns)
                child++;
            if (_items[child].Turns <= flow.Turns)
                break;
            Put(at, _items[child]);
            at = child;
        }

        Put(at, flow);
    }

    /// <summary>The same for all, when what they weigh has changed.</summary>
    public void SettleAll()
    {
        var all = Count;
        for (Count = 1; Count < all; )
            Settle(_items[Count++]);
        Count = all;
    }

    private void Put(int at, FlowTickets flow)
    {
        _items[at] = flow;
        flow.SizeIndex = at;
    }
}
