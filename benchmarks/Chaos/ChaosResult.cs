using System.Collections.Concurrent;
using System.Globalization;
using MailProxy.Tests.Support.PowerCuts;
using Microsoft.Data.Sqlite;

namespace MailProxy.Benchmarks.Chaos;

/// <summary>Counts what the kills of one piece came to, and tells a run.</summary>
internal static class ChaosResult
{
    private const int Sent = 10,
        Ambiguous = 13,
        AmbiguousEvent = 9;

    public static ChaosCounts Of(
        IReadOnlyCollection<FlightDoubts> left,
        ConcurrentDictionary<string, string> acknowledged,
        RecordingSink sink,
        HangingWebhook webhook,
        int exit,
        string data,
        TimeSpan took
    )
    {
        var states = new Dictionary<string, long>();
        Each(data, "SELECT id, state FROM messages", row => states[row.GetString(0)] = row.GetInt64(1));
        var admitted = new HashSet<string>();
        Each(
            data,
            $"SELECT DISTINCT m.id FROM events e JOIN messages m ON m.number = e.message WHERE e.type = {AmbiguousEvent}",
            row => admitted.Add(row.GetString(0))
        );
        var taken = sink.Taken.ToDictionary(static t => t.Key[(t.Key.IndexOf('/') + 1)..], static t => t.Value);
        // assume_sent closes a doubtful attempt without another try: it may be missing, but only when it says so.
        var isClosed = (string id) => states.GetValueOrDefault(id) == Ambiguous && admitted.Contains(id);
        var doubled = taken.Where(static t => t.Value > 1).Select(static t => t.Key).ToList();
        var integrity = new List<string>();
        Each(data, "PRAGMA integrity_check", row => integrity.Add(row.GetString(0)));
        return new()
        {
            Pieces = 1,
            Kills = left.Count,
            Seconds = took.TotalSeconds,
            Acknowledged = acknowledged.Count,
            Lost = acknowledged.Keys.Count(id => !taken.ContainsKey(id) && !isClosed(id)),
            Doubled = doubled.Count,
            Unadmitted = doubled.Count(id => !admitted.Contains(id)),
            Left = left.Aggregate(default(FlightDoubts), static (sum, one) => sum + one),
            Worst = left.Count == 0 ? 0 : left.Max(static one => one.Out),
            Admitted = admitted.Count,
            ClosedAmbiguous = states.Count(static s => s.Value == Ambiguous),
            ClosedUnseen = states.Keys.Count(id => isClosed(id) && !taken.ContainsKey(id)),
            DroppedAfterDot = sink.DroppedAfterDot,
            Swallowed = webhook.Requests,
            Unfinished = (int)ChaosRun.Count(data, "SELECT count(*) FROM queue"),
            WrongState = states.Count(static s => s.Value is not (Sent or Ambiguous)),
            Gaps = (int)
                ChaosRun.Count(
                    data,
                    "SELECT count(*) FROM (SELECT message FROM events WHERE message IS NOT NULL GROUP BY message HAVING max(sequence) "
                        + "<> count(*) OR min(sequence) <> 1)"
                ),
            Damaged = string.Join("; ", integrity) == "ok" ? 0 : 1,
            BadExits = exit == 0 ? 0 : 1,
        };
    }

    public static string Text(ChaosOptions options, ChaosCounts run, int connections)
    {
        var (kills, took) = (Math.Max(1, run.Kills), TimeSpan.FromSeconds(run.Seconds));
        string Row(string what, int count) =>
            string.Create(CultureInfo.InvariantCulture, $"| {what} | {count} | {count * 1000.0 / kills:0.##} |");
        string Bold(string what, int count) =>
            string.Create(CultureInfo.InvariantCulture, $"| **{what}** | **{count}** | **{count * 1000.0 / kills:0.##}** |");

        return $"""
            {ChaosReport.Kills}

            `dotnet run -c Release --project benchmarks -- chaos --kills {run.Kills} --seed {options.Seed}` on {Environment.ProcessorCount} cores, .NET {Environment.Version}, in {took:hh\:mm\:ss}, in {run.Pieces} pieces of up to {options.Piece} kills, each with a store of its own that is drained and compared at the end.
            {options.Clients} clients post (single and batches of 10, with ids of their own, again on every error) while the daemon is killed at random instants and the sink
            refuses RCPTs (1 %), answers 421 to MAIL (0.1 %) and drops the connection after the final dot (0.5 %). The policies are mixed: half `retry`, a quarter `hold`, a quarter `assume_sent`.
            A third goes by a pool of two accounts, which are paused and resumed, taken out of it and put back all the while.
            A webhook is set whose endpoint takes every request and never answers. A client of genro-mail-proxy with a tenant of its own submits by that contract, also while it answers a report, and fails one report in twenty.

            | | count | per 1,000 kills |
            |---|---|---|
            | kills | {run.Kills} | |
            | messages acknowledged | {run.Acknowledged} | |
            {Bold("lost (acknowledged, never arrived, not closed as ambiguous)", run.Lost)}
            {Bold("doubled", run.Doubled)}
            {Row("doubled without a `message.ambiguous` event", run.Unadmitted)}
            {Row("messages with a `message.ambiguous` event, the drops by the sink included", run.Admitted)}
            | closed as ambiguous by `assume_sent` | {run.ClosedAmbiguous} | |
            | of these the sink never read the final dot | {run.ClosedUnseen} | |
            | connections dropped by the sink after the final dot | {run.DroppedAfterDot} | |
            | requests that the hanging webhook swallowed | {run.Swallowed} | |
            | reports to the client of genro-mail-proxy | {run.Reports} | |
            | messages of it whose end was never reported | {run.Untold} | |
            | reports to it in which an id stood twice | {run.Twice} | |
            | left without a final state | {run.Unfinished} | |
            | in a final state other than sent or ambiguous | {run.WrongState} | |
            | messages with a gap in their event sequence | {run.Gaps} | |
            | pieces whose store failed `PRAGMA integrity_check` | {run.Damaged} | |
            | pieces whose last, orderly stop did not exit with 0 | {run.BadExits} | |

            What the flight log said of attempts that were unsettled at a kill:

            | | count | per 1,000 kills |
            |---|---|---|
            {Row("marked, not gone out: sent again, no doubt", run.Left.Marked)}
            {Row("answered, the reply is in the log: settled, no doubt", run.Left.Answered)}
            {Bold("gone out, no reply: in doubt", run.Left.Out)}
            {Row("with marks alone all of these would be in doubt", run.Left.WithMarksAlone)}
            | most in doubt at one kill (connections: {connections}) | {run.Worst} | |

            """;
    }

    private static void Each(string data, string sql, Action<SqliteDataReader> row)
    {
        using var connection = new SqliteConnection(
            new SqliteConnectionStringBuilder { DataSource = Path.Combine(data, "mailproxy.db"), Pooling = false }.ToString()
        );
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        using var reader = command.ExecuteReader();
        while (reader.Read())
            row(reader);
    }
}
