namespace MailProxy.Pipeline.Schedule;

/// <summary>
/// Lanes by a number, smallest first, each at most once. A lane knows its index in the heap, so that a change costs O(log n).
/// </summary>
/// <param name="which">Which of <see cref="MailLane.HeapIndexes"/> belongs to this heap.</param>
internal sealed class LaneHeap(int which)
{
    private (long Key, MailLane Lane)[] _items = new (long, MailLane)[4];

    public int Count { get; private set; }

    public MailLane? First => Count > 0 ? _items[0].Lane : null;

    public long FirstKey => Count > 0 ? _items[0].Key : long.MaxValue;

    public void Set(MailLane lane, long key)
    {
        var at = lane.HeapIndexes[which];
        if (at < 0)
        {
            if (Count == _items.Length)
                Array.Resize(ref _items, Count * 2);
            at = Count++;
        }
        else if (_items[at].Key == key)
            return;

        Settle(at, (key, lane));
    }

    public void Remove(MailLane lane)
    {
        var at = lane.HeapIndexes[which];
        if (at < 0)
            return;
        lane.HeapIndexes[which] = -1;
        var last = _items[--Count];
        _items[Count] = default;
        if (at < Count)
            Settle(at, last);
    }

    // Puts an item into a hole, up or down from it.
    private void Settle(int at, (long Key, MailLane Lane) item)
    {
        while (at > 0 && _items[(at - 1) / 2] is var up && item.Key < up.Key)
        {
            Put(at, up);
            at = (at - 1) / 2;
        }

        for (; ; )
        {
            var child = 2 * at + 1;
            if (child >= Count)
                break;
            if (child + 1 < Count && _items[child + 1].Key < _items[child].Key)
                child++;
            if (_items[child].Key >= item.Key)
                break;
            Put(at, _items[child]);
            at = child;
        }

        Put(at, item);
    }

    private void Put(int at, (long Key, MailLane Lane) item)
    {
        _items[at] = item;
        item.Lane.HeapIndexes[which] = at;
    }
}
