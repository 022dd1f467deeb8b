using MailProxy.Benchmarks.Chaos;

namespace MailProxy.Benchmarks.Nodes;

/// <summary>What failovers of one kind came to.</summary>
/// <param name="Lost">Acknowledged and never taken by the sink, nor closed as ambiguous.</param>
/// <param name="Unadmitted">Doubled without an event that says so.</param>
/// <param name="Ended">Nodes that ended by themselves and were started again.</param>
/// <param name="Answers">From each kill to the first post that was acknowledged after the promotion, in seconds.</param>
/// <param name="Lanes">From each kill to the first mail of the last lane after the promotion, in seconds.</param>
internal sealed record FailoverCounts(
    int Kills,
    int Acknowledged,
    int Lost,
    int Doubled,
    int Unadmitted,
    int Ended,
    IReadOnlyList<double> Answers,
    IReadOnlyList<double> Lanes
)
{
    private const int Ambiguous = 13,
        AmbiguousEvent = 9;

    public static FailoverCounts Of(DurableServer server, UpgradeTally tally, RecordingSink sink, List<Failover> kills, int ended)
    {
        var store = new StoreLook(server.ConnectionString);
        var admitted = store
            .Each(
                $"SELECT DISTINCT m.id FROM events e JOIN messages m ON m.number = e.message WHERE e.type = {AmbiguousEvent}",
                static row => row.GetString(0)
            )
            .ToHashSet();
        var closed = store.Each($"SELECT id FROM messages WHERE state = {Ambiguous}", static row => row.GetString(0)).ToHashSet();
        var taken = sink.Taken.ToDictionary(static t => t.Key[(t.Key.IndexOf('/') + 1)..], static t => t.Value);
        var doubled = taken.Where(static t => t.Value > 1).Select(static t => t.Key).ToList();
        var acknowledged = tally.Acknowledged;
        return new(
            kills.Count,
            acknowledged.Count,
            acknowledged.Count(id => !taken.ContainsKey(id) && !(closed.Contains(id) && admitted.Contains(id))),
            doubled.Count,
            doubled.Count(id => !admitted.Contains(id)),
            ended,
            [.. kills.Select(one => (tally.AnswerAfter(one.Promoted) - one.Killed)?.TotalSeconds).OfType<double>()],
            [.. kills.Select(one => (tally.LanesAfter(one.Promoted) - one.Killed)?.TotalSeconds).OfType<double>()]
        );
    }
}
