using System.Globalization;
using MailProxy.Benchmarks.Load;

namespace MailProxy.Benchmarks.Nodes;

/// <summary>What failovers came to.</summary>
internal static class FailoverReport
{
    public static ProofResult Of(ProofOptions options, FailoverCounts kept, FailoverCounts loose)
    {
        string Row(string name, Func<FailoverCounts, object> part) =>
            string.Create(CultureInfo.InvariantCulture, $"| {name} | {part(kept)} | {part(loose)} |");
        var text = string.Create(
            CultureInfo.InvariantCulture,
            $"""
            {FailoverRun.Nodes} nodes with `Host=a,b;Target Session Attributes=primary`, otherwise with the default settings; {options.Rate} mails a second are posted to {UpgradeRun.Accounts} accounts in turn, by clients that go to the next node on any error, and post again with the same id until a node takes it. All the processes of the primary are killed (SIGKILL) and the replica is promoted at once; then a new replica is made of it, and so on. Synchronous is `synchronous_standby_names = 'ANY 1 (*)'`. PostgreSQL otherwise with fsync on and {DurableServer.Differences}, and replica and primary on one disk, so that an asynchronous replica lags by less than one far away.

            | | synchronous replica | asynchronous replica |
            |---|---|---|
            {Row("primaries killed", static one => one.Kills)}
            {Row("messages acknowledged", static one => one.Acknowledged)}
            {Row("**lost (acknowledged, never arrived, not closed as ambiguous)**", static one => one.Lost)}
            {Row("**doubled at the sink**", static one => one.Doubled)}
            {Row("**doubled without a `message.ambiguous` event**", static one => one.Unadmitted)}
            {Row("nodes that ended by themselves and were started again", static one => one.Ended)}
            {Row("seconds from the kill to the next acknowledged post: median (least to most)", static one => Some(one.Answers))}
            {Row("seconds from the kill to the next mail of the last lane: median (least to most)", static one => Some(one.Lanes))}

            What an asynchronous replica loses and doubles is no fault of the nodes: it has not seen what was committed last. Use a synchronous one.
            """
        );
        return new(
            new(
                "failover",
                "Failover of PostgreSQL to a replica",
                text,
                [
                    Target.AtMost("messages lost with a synchronous replica", 0, kept.Lost),
                    Target.AtMost("doubled and not admitted with a synchronous replica", 0, kept.Unadmitted),
                ]
            ),
            kept.Lost + kept.Unadmitted == 0 && kept.Acknowledged > 0
        );
    }

    private static string Some(IReadOnlyList<double> seconds) => seconds.Count == 0 ? "–" : new Samples(seconds).ToString();
}
