namespace MailProxy.Benchmarks.Nodes;

/// <summary>
/// Which fault made which doubles: that during which the message first arrived, or the next one. At most what the connections of the nodes
/// that it hit had under way may be doubled by one. Pure.
/// </summary>
internal static class DoublesOfFaults
{
    /// <summary>Accounts with two connections each: six, the limited one, and two of the pool.</summary>
    private const int Connections = 9 * 2;

    /// <summary><c>Send:MarksAhead</c>, as it comes with PostgreSQL.</summary>
    private const int MarksAhead = 8;

    /// <summary>How many of a node's messages are marked and not settled at the most, should it hold all lanes.</summary>
    public const int PerNode = Connections * (MarksAhead + 1);

    /// <param name="doubled">When each message that was doubled arrived first.</param>
    /// <returns>The most doubles by one fault, and how many faults made more than they may.</returns>
    public static (int Most, int TooMany) Count(IReadOnlyList<Fault> faults, IEnumerable<TimeSpan> doubled)
    {
        var counts = new int[faults.Count + 1];
        foreach (var time in doubled)
        {
            var at = 0;
            while (at < faults.Count && faults[at].To < time)
                at++;
            counts[at]++;
        }

        return (counts.Max(), counts.Where((count, at) => count > PerNode * (at < faults.Count ? faults[at].Hit : 1)).Count());
    }
}
