using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.Data.Sqlite;

namespace MailProxy.Benchmarks.Chaos;

/// <summary>What a chaos run found, and whether it may stand.</summary>
internal sealed record ChaosResult(string Text, bool Good)
{
    private const int Sent = 10,
        Ambiguous = 13,
        AmbiguousEvent = 9,
        Connections = 8;

    public static ChaosResult Of(
        ChaosOptions options,
        int kills,
        ConcurrentDictionary<string, string> acknowledged,
        RecordingSink sink,
        HangingWebhook webhook,
        List<int> inDoubt,
        int exit,
        string data,
        TimeSpan took
    )
    {
        var states = Messages(data);
        var admitted = Admitted(data);
        // assume_sent closes a doubtful attempt without another try: it may be missing, but only when it says so.
        var lost = acknowledged
            .Keys.Where(id =>
                !sink.Taken.ContainsKey("default/" + id) && !(states.GetValueOrDefault(id) == Ambiguous && admitted.Contains(id))
            )
            .ToList();
        var doubled = sink.Taken.Where(t => t.Value > 1).Select(t => t.Key["default/".Length..]).ToList();
        var unadmitted = doubled.Where(id => !admitted.Contains(id)).ToList();
        var unfinished = ChaosRun.Count(data, "SELECT count(*) FROM queue");
        var wrongState = states.Count(s => s.Value is not (Sent or Ambiguous));
        var gaps = ChaosRun.Count(
            data,
            "SELECT count(*) FROM (SELECT message FROM events WHERE message IS NOT NULL GROUP BY message HAVING max(sequence) <> "
                + "count(*) OR min(sequence) <> 1)"
        );
        var integrity = Integrity(data);
        var worst = inDoubt.Count == 0 ? 0 : inDoubt.Max();
        var good =
            lost.Count == 0
            && unadmitted.Count == 0
            && unfinished == 0
            && wrongState == 0
            && gaps == 0
            && integrity == "ok"
            && worst <= Connections
            && webhook.Requests > 0
            && exit == 0;
        var per1000 = 1000.0 / Math.Max(1, kills);
        string N(double n) => n.ToString("0.##", CultureInfo.InvariantCulture);

        return new(
            $"""
            # Chaos: kill -9 under load

            `dotnet run -c Release --project benchmarks -- chaos --kills {kills} --seed {options.Seed}` on {Environment.ProcessorCount} cores, .NET {Environment.Version}, in {took:hh\:mm\:ss}.
            {options.Clients} clients post (single and batches of 10, with ids of their own, again on every error) while the daemon is killed at random instants and the sink
            refuses RCPTs (1 %), answers 421 to MAIL (0.1 %) and drops the connection after the final dot (0.5 %). The policies are mixed: half `retry`, a quarter `hold`, a quarter `assume_sent`.
            All the while a webhook is set whose endpoint takes every request and never answers.

            | | count | per 1,000 kills |
            |---|---|---|
            | kills | {kills} | |
            | messages acknowledged | {acknowledged.Count} | |
            | **lost** (acknowledged, never arrived, not closed as ambiguous) | **{lost.Count}** | **{N(lost.Count * per1000)}** |
            | **doubled** | **{doubled.Count}** | **{N(doubled.Count * per1000)}** |
            | doubled without a `message.ambiguous` event | {unadmitted.Count} | {N(unadmitted.Count * per1000)} |
            | in doubt at a kill (gone out, no answer) | {inDoubt.Sum()} | {N(inDoubt.Sum() * per1000)} |
            | most in doubt at one kill (connections: {Connections}) | {worst} | |
            | messages with a `message.ambiguous` event | {admitted.Count} | {N(admitted.Count * per1000)} |
            | closed as ambiguous by `assume_sent` | {states.Count(s => s.Value == Ambiguous)} | |
            | connections dropped by the sink after the final dot | {sink.DroppedAfterDot} | |
            | requests that the hanging webhook swallowed | {webhook.Requests} | |
            | left without a final state | {unfinished} | |
            | in a final state other than sent or ambiguous | {wrongState} | |
            | messages with a gap in their event sequence | {gaps} | |
            | `PRAGMA integrity_check` | {integrity} | |
            | exit code of the last, orderly stop | {exit} | |

            """,
            good
        );
    }

    private static Dictionary<string, long> Messages(string data)
    {
        var states = new Dictionary<string, long>();
        Each(data, "SELECT id, state FROM messages", row => states[row.GetString(0)] = row.GetInt64(1));
        return states;
    }

    private static HashSet<string> Admitted(string data)
    {
        var ids = new HashSet<string>();
        Each(
            data,
            $"SELECT DISTINCT m.id FROM events e JOIN messages m ON m.number = e.message WHERE e.type = {AmbiguousEvent}",
            row => ids.Add(row.GetString(0))
        );
        return ids;
    }

    private static string Integrity(string data)
    {
        var lines = new List<string>();
        Each(data, "PRAGMA integrity_check", row => lines.Add(row.GetString(0)));
        return string.Join("; ", lines);
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
