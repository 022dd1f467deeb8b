using System.Diagnostics.CodeAnalysis;

namespace MailProxy.Pipeline.Sharing;

/// <summary>What waits, taken in turn tenant by tenant; within a tenant, first in, first out. Not for several threads at once.</summary>
internal sealed class TenantQueue<T>
{
    private readonly Dictionary<string, Line> _lines = new(StringComparer.Ordinal);
    private readonly LinkedList<Line> _turns = [];

    public int Count { get; private set; }

    public void Enqueue(string tenant, T item)
    {
        if (!_lines.TryGetValue(tenant, out var line))
        {
            _lines[tenant] = line = new(tenant);
            _turns.AddLast(line.Turn);
        }

        line.Waiting.Enqueue(item);
        Count++;
    }

    /// <param name="may">Whether it may be the turn of this tenant's next; the others keep theirs.</param>
    public bool TryDequeue(Func<string, T, bool> may, [MaybeNullWhen(false)] out T item)
    {
        for (var turn = _turns.First; turn is not null; turn = turn.Next)
        {
            if (!may(turn.Value.Tenant, turn.Value.Waiting.Peek()))
                continue;
            item = turn.Value.Waiting.Dequeue();
            _turns.Remove(turn);
            if (turn.Value.Waiting.Count > 0)
                _turns.AddLast(turn);
            else
                _lines.Remove(turn.Value.Tenant);
            Count--;
            return true;
        }

        item = default;
        return false;
    }

    private sealed class Line
    {
        public Line(string tenant)
        {
            Tenant = tenant;
            Turn = new(this);
        }

        public string Tenant { get; }
        public Queue<T> Waiting { get; } = new(1);
        public LinkedListNode<Line> Turn { get; }
    }
}
