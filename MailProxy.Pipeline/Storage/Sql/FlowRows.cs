using MailProxy.Pipeline.Flow;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>
/// The mail of one kind, fresh or deferred, that is due and that nobody has, in the order of batches: from an index, or from a list that
/// has all of it.
/// </summary>
internal sealed class FlowRows(LaneSlice slice, FlowSql sql, List<QueuedMail>? all = null)
{
    private readonly List<QueuedMail>? _all = all?.OrderBy(static ticket => ticket.Flow.Number).ToList(); // stable
    private Statement? _row;
    private int _next;

    /// <summary>The batch of the row where this stands; <see cref="long.MaxValue"/>: there is none any more.</summary>
    public long Flow { get; private set; } = long.MaxValue;

    /// <summary>Goes to the first row of the batches after one.</summary>
    public void Leap(long after)
    {
        if (_all is null)
            _row = slice.From(sql, after);
        else
            _next = _all.FindIndex(ticket => ticket.Flow.Number > after) is >= 0 and var at ? at : _all.Count;
        Step();
    }

    /// <summary>Takes the first of a batch, if this stands at it; claimed rows are skipped.</summary>
    public List<QueuedMail> Take(long flow, int limit)
    {
        var found = new List<QueuedMail>();
        for (; Flow == flow && found.Count < limit; Step())
        {
            if (_all is not null)
                found.Add(_all[_next - 1]);
            else if (_row!.Long(3) > slice.Request.Now)
                break; // what follows in the batch is due later still
            else if (slice.IsFree(_row))
                found.Add(slice.Ticket(_row));
        }

        if (Flow == flow)
            Leap(flow);
        return found;
    }

    /// <summary>Ends the reading.</summary>
    public void Close() => _row?.Reset();

    private void Step() =>
        Flow = _all is not null
            ? _next++ < _all.Count
                ? _all[_next - 1].Flow.Number
                : long.MaxValue
            : _row!.Step()
                ? _row.Long(6)
                : long.MaxValue;
}
