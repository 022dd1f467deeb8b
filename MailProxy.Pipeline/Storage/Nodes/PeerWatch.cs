namespace MailProxy.Pipeline.Storage.Nodes;

/// <summary>
/// Which nodes have ended without a word: those whose beat did not move while this node watched, by its own clock that only runs forward.
/// No two clocks are compared. A time in which this node itself could not look proves nothing, and the watch begins anew. Pure.
/// </summary>
/// <param name="longest">The time after which a node that does not beat counts as dead, unless it was told that it may take longer.</param>
/// <param name="gap">The longest time between two looks of this node that still counts as watching.</param>
public sealed class PeerWatch(TimeSpan longest, TimeSpan gap)
{
    // One that has not beaten yet holds nothing, and a start may take its time.
    private const int Starting = 6;

    private readonly Dictionary<long, (long Beat, TimeSpan Since, TimeSpan Longest)> _seen = [];
    private TimeSpan? _looked;

    /// <param name="now">This node's own time.</param>
    /// <returns>Those that are dead.</returns>
    public IReadOnlyList<NodeRow> Look(IEnumerable<NodeRow> others, TimeSpan now)
    {
        if (_looked is { } last && now - last > gap)
            _seen.Clear();
        _looked = now;
        var dead = new List<NodeRow>();
        var known = new HashSet<long>();
        foreach (var node in others)
        {
            known.Add(node.Session);
            if (!_seen.TryGetValue(node.Session, out var seen) || seen.Beat != node.Beat)
                _seen[node.Session] = (node.Beat, now, Longest(node));
            else if (now - seen.Since > seen.Longest)
                dead.Add(node);
        }

        foreach (var session in _seen.Keys.Where(session => !known.Contains(session)).ToArray())
            _seen.Remove(session);
        return dead;
    }

    /// <summary>How long until one of them counts as dead, unless it beats meanwhile; null: nobody is watched.</summary>
    public TimeSpan? UntilDead(TimeSpan now) => _seen.Count == 0 ? null : _seen.Values.Min(static seen => seen.Since + seen.Longest) - now;

    private TimeSpan Longest(NodeRow node)
    {
        var told = node.TimeToLive > longest ? node.TimeToLive : longest;
        return node.Beat == 0 ? told * Starting : told;
    }
}
