using System.Globalization;
using System.Text.Json.Nodes;
using MailProxy.Daemon.Client;

namespace MailProxy.Daemon.Cli.Verbs;

/// <summary>One look at a daemon: its status, and how many messages went each way since its start.</summary>
/// <param name="Timestamp">Of the clock, for rates.</param>
internal sealed record TopLook(
    JsonNode Status,
    JsonNode Nodes,
    IReadOnlyDictionary<string, double> Totals,
    long Timestamp,
    TimeProvider Clock
)
{
    private const string Prefix = "mailproxy_messages_";
    private const string Suffix = "_total";

    public static async Task<TopLook> ReadAsync(DaemonClient daemon, TimeProvider clock, CancellationToken stop)
    {
        var status = await daemon.GetAsync("v1/status", stop);
        var nodes = await daemon.GetAsync("v1/nodes", stop);
        return new(status, nodes, Sum(await daemon.TextAsync("metrics", stop)), clock.GetTimestamp(), clock);
    }

    public double Total(string name) => Totals.GetValueOrDefault(name);

    /// <summary>Messages a second since an earlier look; after a restart of the daemon those since then.</summary>
    public double Rate(TopLook before, string name)
    {
        var more = Total(name) - before.Total(name);
        return (more < 0 ? Total(name) : more) / Math.Max(0.001, Clock.GetElapsedTime(before.Timestamp, Timestamp).TotalSeconds);
    }

    // Over all labels.
    private static Dictionary<string, double> Sum(string metrics)
    {
        var totals = new Dictionary<string, double>();
        foreach (var line in metrics.Split('\n'))
        {
            if (!line.StartsWith(Prefix, StringComparison.Ordinal) || line.LastIndexOf(' ') is not (> 0 and var blank))
                continue;
            var name = line[..(line.IndexOf('{') is >= 0 and var brace ? brace : blank)];
            if (
                name.EndsWith(Suffix, StringComparison.Ordinal)
                && double.TryParse(line[(blank + 1)..], NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
            )
            {
                var key = name[Prefix.Length..^Suffix.Length];
                totals[key] = totals.GetValueOrDefault(key) + value;
            }
        }

        return totals;
    }
}
