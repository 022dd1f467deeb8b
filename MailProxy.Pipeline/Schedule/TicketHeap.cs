using MailProxy.Pipeline.Flow;

namespace MailProxy.Pipeline.Schedule;

/// <summary>
/// Tickets by (due, arrival number), open at both ends: the first leaves to be sent, the last to make space. An interval heap: node k holds
/// its smallest at 2k and its largest at 2k + 1, and encloses its children's.
/// </summary>
internal sealed class TicketHeap
{
    private QueuedMail[] _items = [];

    public int Count { get; private set; }

    public ref readonly QueuedMail First => ref _items[0];

    public ref readonly QueuedMail Last => ref _items[Count == 1 ? 0 : 1];

    public static bool Before(in QueuedMail a, in QueuedMail b) => a.Due != b.Due ? a.Due < b.Due : a.Id < b.Id;

    public void Add(in QueuedMail ticket)
    {
        if (Count == _items.Length)
            Array.Resize(ref _items, Math.Max(4, Count * 2));
        var at = Count++;
        _items[at] = ticket;
        if (at == 0)
            return;

        if ((at & 1) == 1)
        {
            if (!Before(ticket, _items[at - 1]))
                RiseLast(at);
            else
            {
                Swap(at, at - 1);
                RiseFirst(at - 1);
            }

            return;
        }

        // Alone in its node, so it is both ends of it.
        var parent = Parent(at);
        if (Before(ticket, _items[parent]))
            RiseFirst(at);
        else if (Before(_items[parent + 1], ticket))
            RiseLast(at);
    }

    public QueuedMail TakeFirst()
    {
        var first = _items[0];
        if (--Count > 0)
        {
            _items[0] = _items[Count];
            SinkFirst();
        }

        Shrink();
        return first;
    }

    public QueuedMail TakeLast()
    {
        if (Count == 1)
            return TakeFirst();
        var last = _items[1];
        if (--Count > 1)
        {
            _items[1] = _items[Count];
            SinkLast();
        }

        Shrink();
        return last;
    }

    // The even index of the parent's node.
    private static int Parent(int at) => (((at >> 1) - 1) >> 1) << 1;

    private void Swap(int a, int b) => (_items[a], _items[b]) = (_items[b], _items[a]);

    private void RiseFirst(int at)
    {
        while (at > 1 && Parent(at) is var up && Before(_items[at], _items[up]))
        {
            Swap(at, up);
            at = up;
        }
    }

    private void RiseLast(int at)
    {
        while (at > 1 && Parent(at) + 1 is var up && Before(_items[up], _items[at]))
        {
            Swap(at, up);
            at = up;
        }
    }

    private void SinkFirst()
    {
        for (var at = 0; ; )
        {
            if (at + 1 < Count && Before(_items[at + 1], _items[at]))
                Swap(at, at + 1);
            var child = 2 * at + 2;
            if (child >= Count)
                return;
            if (child + 2 < Count && Before(_items[child + 2], _items[child]))
                child += 2;
            if (!Before(_items[child], _items[at]))
                return;
            Swap(at, child);
            at = child;
        }
    }

    private void SinkLast()
    {
        for (var at = 1; (at & 1) == 1; )
        {
            if (Before(_items[at], _items[at - 1]))
                Swap(at, at - 1);
            var child = LastOf(2 * at);
            if (child < 0)
                return;
            var other = LastOf(2 * at + 2);
            if (other >= 0 && Before(_items[child], _items[other]))
                child = other;
            if (!Before(_items[at], _items[child]))
                return;
            Swap(at, child);
            at = child;
        }
    }

    // The index of the largest item of the node that begins at this even index; -1: there is no such node.
    private int LastOf(int node) =>
        node + 1 < Count ? node + 1
        : node < Count ? node
        : -1;

    private void Shrink()
    {
        if (Count == 0 && _items.Length > 64)
            _items = [];
    }
}
