namespace MailProxy.Pipeline.Storage.Nodes;

/// <summary>
/// Which units begin nothing new, so that they can go to another node. A unit whose last attempt does not end soon is opened again for a
/// while: one server that does not answer must not stop the mail of everybody in the unit. Pure.
/// </summary>
internal sealed class HandOvers
{
    public static readonly TimeSpan LongestClosed = TimeSpan.FromSeconds(5);
    public static readonly TimeSpan Open = TimeSpan.FromSeconds(60);

    private readonly Dictionary<long, TimeSpan> _begun = [];

    /// <param name="units">Those that another node should have.</param>
    /// <param name="staysClosed">Nothing is gained by opening it again: this node stops, or has not all of it.</param>
    /// <param name="now">This node's own time.</param>
    /// <returns>Those that are closed now.</returns>
    public HashSet<long> Closed(IReadOnlySet<long> units, Func<long, bool> staysClosed, TimeSpan now)
    {
        foreach (var gone in _begun.Keys.Where(unit => !units.Contains(unit)).ToArray())
            _begun.Remove(gone);
        var closed = new HashSet<long>();
        foreach (var unit in units)
        {
            if (!_begun.TryGetValue(unit, out var begun) || now - begun >= LongestClosed + Open)
                _begun[unit] = begun = now;
            if (now - begun < LongestClosed || staysClosed(unit))
                closed.Add(unit);
        }

        return closed;
    }
}
