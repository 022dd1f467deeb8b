using MailProxy.Pipeline.Flow;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>Reads of a kind of mail, fresh or deferred, in the order of batches.</summary>
/// <param name="Rows">The rows of all batches after ?3.</param>
/// <param name="Next">The first batch after ?3, and when its first mail is due.</param>
/// <param name="Own">The rows of the batch ?3.</param>
internal sealed record FlowSql(string Rows, string Next, string Own);

/// <summary>
/// Goes round the batches of one priority of a lane. Up to <see cref="Few"/> are read together, equal parts of what is wanted; of more each
/// gives <see cref="Part"/> when its turn comes, and the next reading goes on with the next batch. A batch that weighs more gives so many
/// times that. Small batches are read as one sequence, in a large one the reading leaps to the next batch when it has its part, so that
/// neither many batches nor large ones cost more than what comes out. Within a batch fresh and deferred mail have equal shares.
/// </summary>
/// <param name="due">All deferred mail that is due; null: there is more than is wanted.</param>
internal sealed class FlowReading(LaneSlice slice, FlowTurn turn, int wanted, List<QueuedMail>? due)
{
    /// <summary>The most batches that one reading takes from all of.</summary>
    public const int Few = 64;

    /// <summary>What a batch gives in a round of more than that.</summary>
    public const int Part = 4;

    /// <summary>The most batches that one reading passes over since they have nothing to give now.</summary>
    public const int MostIdle = 512;

    private readonly FlowRows _fresh = new(slice, LaneSlice.FreshFlows);
    private readonly FlowRows _deferred = new(slice, LaneSlice.DeferredFlows, due);
    private readonly List<QueuedMail> _found = [];
    private readonly List<long> _left = []; // batches that have more
    private int _part; // of a batch that weighs 1
    private int _idle;
    private bool _isLater; // some batches are not in this round

    /// <summary>Up to so many that nobody has.</summary>
    public List<QueuedMail> Read(out bool more)
    {
        var begun = turn.After;
        if (turn.IsLong)
            _part = Math.Min(Part, wanted);
        else
            Begin();
        var isWhole = Leg(long.MaxValue);
        if (isWhole)
        {
            // The end of a round: the batches before the one where this reading began come next.
            var isNothingThere = turn.IsBarren && _found.Count == 0;
            (turn.After, turn.IsLong, turn.IsBarren) = (-1, false, true);
            var isNothingNew = _found.Count == 0 && _isLater;
            if ((begun >= 0 && !isNothingThere) || isNothingNew)
            {
                Begin();
                _isLater &= !isNothingNew;
                isWhole = Leg(isNothingNew ? long.MaxValue : begun);
            }
        }

        if (isWhole && !_isLater)
            Share();
        if (isWhole)
            (turn.After, turn.IsBarren) = (-1, true);
        else
            turn.IsBarren &= _found.Count == 0;
        slice.Notes.IsCut |= !isWhole;
        slice.Notes.HaveMore(slice.Priority, _left);
        more = _left.Count > 0 || _isLater || !isWhole;
        return _found;
    }

    private int Weight(long flow) => slice.Request.Weights?.Of(new(flow)) ?? 1;

    // One that weighs more than is wanted gives that.
    private int PartOf(long flow) => (int)Math.Min((long)_part * Weight(flow), wanted);

    private void Begin()
    {
        var flows = new HashSet<long>();
        Add(LaneSlice.FreshFlows);
        if (due is null)
            Add(LaneSlice.DeferredFlows);
        else
            flows.UnionWith(due.Select(static ticket => ticket.Flow.Number));
        turn.IsLong |= flows.Count > Few;
        (turn.Newest, turn.At) = turn.IsLong ? (slice.Newest(), slice.Request.Now) : (long.MaxValue, long.MaxValue);
        _part = Math.Max(1, turn.IsLong ? Math.Min(Part, wanted) : wanted / Math.Max(1, flows.Sum(Weight)));

        void Add(FlowSql sql)
        {
            var looked = 0;
            for (var flow = slice.Next(sql, -1); flow is { } next && flows.Count <= Few; flow = slice.Next(sql, next.Flow))
            {
                if (next.Due <= slice.Request.Now && !slice.IsEnough(next.Flow))
                    flows.Add(next.Flow);
                if (++looked < MostIdle)
                    continue;
                turn.IsLong = true;
                return;
            }
        }
    }

    // Each batch up to that one gives its part. True: there is none left to look at.
    private bool Leg(long until)
    {
        _fresh.Leap(turn.After);
        _deferred.Leap(turn.After);
        for (long flow; (flow = Math.Min(_fresh.Flow, _deferred.Flow)) <= until && flow < long.MaxValue; )
        {
            var part = PartOf(flow);
            if (_idle > MostIdle || wanted - _found.Count < (_found.Count == 0 ? 1 : part))
            {
                _fresh.Close();
                _deferred.Close();
                return false;
            }

            turn.After = flow;
            part = Math.Min(part, wanted - _found.Count);
            var most = slice.IsEnough(flow) ? 0 : part + 1;
            var fresh = _fresh.Take(flow, most);
            var deferred = _deferred.Take(flow, most);
            if (fresh.Count + deferred.Count == 0)
                _idle++;
            else if (IsLater(fresh, deferred))
                (_isLater, _idle) = (true, _idle + 1);
            else if (Mix(fresh, deferred, part))
                _left.Add(flow);
        }

        _fresh.Close();
        _deferred.Close();
        return true;
    }

    private bool IsLater(List<QueuedMail> fresh, List<QueuedMail> deferred) =>
        turn.IsLong && (fresh.Count == 0 || fresh[0].Id > turn.Newest) && (deferred.Count == 0 || deferred[0].Due > turn.At);

    // True: something was left.
    private bool Mix(List<QueuedMail> fresh, List<QueuedMail> deferred, int part)
    {
        var (f, d) = (0, 0);
        for (; f + d < part && f + d < fresh.Count + deferred.Count; )
            _found.Add(f < fresh.Count && (f <= d || d == deferred.Count) ? fresh[f++] : deferred[d++]);
        return f + d < fresh.Count + deferred.Count;
    }

    // Every batch was looked at, and most had less than their part: those that have more share what is still wanted.
    private void Share()
    {
        if (_left.Count == 0 || (wanted - _found.Count) / _left.Sum(Weight) is not (> 0 and var unit))
            return;
        var known = _found.Select(static ticket => ticket.Id).ToHashSet();
        foreach (var flow in _left.ToArray())
        {
            var part = unit * Weight(flow);
            var fresh = slice.Read(slice.Of(LaneSlice.FreshFlows, flow), part + 1, known);
            var deferred = slice.Read(slice.Of(LaneSlice.DeferredFlows, flow), part + 1, known);
            if (!Mix(fresh, deferred, part))
                _left.Remove(flow);
        }
    }
}
