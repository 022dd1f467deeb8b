using System.Collections.Concurrent;
using System.Globalization;
using MailProxy.Benchmarks.Chaos;

namespace MailProxy.Benchmarks.Nodes;

/// <summary>Counts what the faults of one piece came to, and tells a run.</summary>
internal static class NodesResult
{
    private const int Sent = 10,
        Ambiguous = 13,
        AmbiguousEvent = 9;

    public static NodesCounts Of(
        NodesFaults faults,
        ConcurrentDictionary<string, string> acknowledged,
        RecordingSink sink,
        FeedReader feed,
        WatchingWebhook webhook,
        Arrivals arrivals,
        StoreLook store
    )
    {
        var states = store
            .Each("SELECT id, state FROM messages", static row => (Id: row.GetString(0), State: row.GetInt64(1)))
            .ToDictionary(static one => one.Id, static one => one.State);
        var admitted = store
            .Each(
                $"SELECT DISTINCT m.id FROM events e JOIN messages m ON m.number = e.message WHERE e.type = {AmbiguousEvent}",
                static row => row.GetString(0)
            )
            .ToHashSet();
        var taken = sink.Taken.ToDictionary(static t => t.Key[(t.Key.IndexOf('/') + 1)..], static t => t.Value);
        var isClosed = (string id) => states.GetValueOrDefault(id) == Ambiguous && admitted.Contains(id);
        var doubled = taken.Where(static t => t.Value > 1).Select(static t => t.Key).ToList();
        var unanswered = sink.Unanswered.Keys.Select(static key => key[(key.IndexOf('/') + 1)..]).ToHashSet();
        var byFault = DoublesOfFaults.Count(faults.All, doubled.Where(id => !unanswered.Contains(id)).Select(id => arrivals.First[id]));
        var read = feed.Events.ToHashSet();
        var events = store.Count("SELECT count(*) FROM events");
        return new()
        {
            Pieces = 1,
            Faults = faults.Count,
            Kinds = faults.Kinds,
            Acknowledged = acknowledged.Count,
            Lost = acknowledged.Keys.Count(id => !taken.ContainsKey(id) && !isClosed(id)),
            Doubled = doubled.Count,
            Unadmitted = doubled.Count(id => !admitted.Contains(id)),
            MostOfAFault = byFault.Most,
            TooManyOfAFault = byFault.TooMany,
            DroppedAfterDot = sink.DroppedAfterDot,
            Unfinished = (int)store.Count("SELECT count(*) FROM queue"),
            WrongState = states.Count(static s => s.Value is not (Sent or Ambiguous)),
            Gaps = (int)
                store.Count(
                    "SELECT count(*) FROM (SELECT message FROM events WHERE message IS NOT NULL GROUP BY message HAVING max(sequence) "
                        + "<> count(*) OR min(sequence) <> 1) AS g"
                ),
            Events = events,
            FeedMissed = Math.Max(0, events - read.Count),
            FeedTwice = feed.Events.Count - read.Count,
            FeedUnordered = feed.Unordered,
            WebhookMissed = Math.Max(0, store.Count(StoreLook.ToldEvents) - webhook.Events.Count),
            WebhookReordered = webhook.Reordered,
            MostInAMinute = arrivals.MostInAMinute(),
            EndedByThemselves = faults.EndedByThemselves,
            TakeOvers = [.. faults.TakeOvers],
        };
    }

    public static string Text(NodesOptions options, NodesCounts run)
    {
        var took = TimeSpan.FromSeconds(run.Seconds);
        var sorted = run.TakeOvers.Order().ToList();
        var median = sorted.Count == 0 ? 0 : sorted[sorted.Count / 2];
        var kinds = string.Join(
            "\n",
            run.Kinds.OrderBy(static kind => kind.Key, StringComparer.Ordinal).Select(static kind => $"| {kind.Key} | {kind.Value} |")
        );
        return string.Create(
            CultureInfo.InvariantCulture,
            $"""
            # Several nodes over one PostgreSQL

            `dotnet run -c Release --project benchmarks -- nodes --faults {run.Faults} --piece {options.Piece} --ttl {options.Ttl} --seed {options.Seed}` on {Environment.ProcessorCount} cores, .NET {Environment.Version}, in {took:hh\:mm\:ss}, in {run.Pieces} pieces, each with a database of its own that is drained and compared at the end.
            Three nodes, each behind a way of its own to one PostgreSQL, time to live {options.Ttl} s. Four clients post to a node at random, and on any error again with the same id to the next one; six accounts, a pool of two, an account with a limit of {NodesClient.LimitPerMinute} a minute, bodies up to 300 KB, the policies mixed. The sink refuses RCPTs (1 %), answers 421 to MAIL (0.1 %) and drops the connection after the final dot (0.5 %). A reader follows the feed at whichever node answers; a webhook remembers what it was told.

            | what was done | times |
            |---|---|
            {kinds}

            | | count |
            |---|---|
            | faults | {run.Faults} |
            | messages acknowledged | {run.Acknowledged} |
            | **lost (acknowledged, never arrived, not closed as ambiguous)** | **{run.Lost}** |
            | **doubled** | **{run.Doubled}** |
            | **doubled without a `message.ambiguous` event** | **{run.Unadmitted}** |
            | most doubles by one fault, without those whose connection the sink dropped | {run.MostOfAFault} |
            | faults that doubled more than {DoublesOfFaults.PerNode} a node hit (all connections × (marks ahead + 1)) | {run.TooManyOfAFault} |
            | connections dropped by the sink after the final dot | {run.DroppedAfterDot} |
            | left without a final state | {run.Unfinished} |
            | in a final state other than sent or ambiguous | {run.WrongState} |
            | messages with a gap in their event sequence | {run.Gaps} |
            | events | {run.Events} |
            | of these the live reader of the feed missed | {run.FeedMissed} |
            | came to it twice | {run.FeedTwice} |
            | came to it out of their message's order | {run.FeedUnordered} |
            | events that the webhook was never told | {run.WebhookMissed} |
            | messages of which it was told an event before an earlier one | {run.WebhookReordered} |
            | most mails of the limited account within any 60 s at the sink (limit {NodesClient.LimitPerMinute}; up to {NodesClient.UnderWay} were begun before) | {run.MostInAMinute} |
            | nodes that ended by themselves, since the others had declared them dead, or were found ended | {run.EndedByThemselves} |
            | nodes whose last, orderly stop did not exit with 0 | {run.BadExits} |

            {(
                FakeClock.Library is null
                    ? $"No clock was set: that takes Debian's package `{FakeClock.Package}`, which is not installed here."
                    : "One of the nodes runs under libfaketime, so that its clock can be set."
            )}

            From a kill to the first mail of the last of the accounts ({sorted.Count} kills of nodes that stayed away): median {median:0.0} s, worst {(
                sorted.Count == 0 ? 0 : sorted[^1]
            ):0.0} s.

            """
        );
    }
}
