using System.Globalization;
using System.Text;
using MailProxy.Benchmarks.Chaos;
using MailProxy.Benchmarks.Load;

namespace MailProxy.Benchmarks.Nodes;

/// <summary>What a rolling upgrade came to.</summary>
internal static class UpgradeReport
{
    private const double LongestPause = 1;

    private static readonly TimeSpan Noted = TimeSpan.FromMilliseconds(100);

    public static ProofResult Of(
        ProofOptions options,
        int rounds,
        TimeSpan settle,
        UpgradeTally tally,
        UpgradePhases phases,
        RecordingSink sink,
        int bad
    )
    {
        var taken = sink.Taken.ToDictionary(static t => t.Key[(t.Key.IndexOf('/') + 1)..], static t => t.Value);
        var acknowledged = tally.Acknowledged;
        var lost = acknowledged.Count(id => !taken.ContainsKey(id));
        var doubled = taken.Values.Count(static times => times > 1);
        var pauses = tally.Pauses(Noted).Where(pause => phases.At(pause.Middle) is not null).ToList();
        var longest = pauses
            .Where(pause => phases.At(pause.Middle)!.Name != UpgradePhases.Undisturbed)
            .Select(static pause => pause.Length.TotalSeconds)
            .DefaultIfEmpty(0)
            .Max();
        var text = new StringBuilder();
        text.Append(
            CultureInfo.InvariantCulture,
            $"""
            Three nodes over one PostgreSQL (fsync on; {DurableServer.Differences}), with the default `Storage:Nodes` (beat 1 s, time to live 5 s). {options.Rate} mails a second of 0.5 KB are posted, to the nodes in turn, and to {UpgradeRun.Accounts} accounts in turn; on a refusal or a failed connection with the same id to the next node. Each node is stopped with SIGTERM and started again {rounds} times, {(
                options.Newer is null ? "the same program" : "with two programs in turn"
            )}, {settle.TotalSeconds:0} s apart.
            A lane's pause is a time in which acknowledged mail of the account waits and none arrives at the sink.

            | | |
            |---|---|
            | stops and starts | {rounds * 3} |
            | messages acknowledged | {acknowledged.Count} |
            | **posts that no node took when they went round** | **{tally.Refused}** |
            | **lost** | **{lost}** |
            | **doubled at the sink** | **{doubled}** |
            | stops that did not exit with 0 | {bad} |
            | longest time from the first try of a post to its acknowledgement | {Milliseconds(tally.LongestPost)} |

            | while | times | it took: median, longest | longest pause of any lane: median, longest | machine's own stalls: longest |
            |---|---|---|---|---|

            """
        );
        foreach (var group in phases.All.GroupBy(static phase => phase.Name))
            text.Append(Line(group, pauses, phases));
        text.Append("\nThe longest pauses:\n\n| account | length | while | of | begun after the phase's begin |\n|---|---|---|---|---|\n");
        foreach (var pause in pauses.OrderByDescending(static pause => pause.Length).Take(10))
        {
            var phase = phases.At(pause.Middle)!;
            text.Append(
                CultureInfo.InvariantCulture,
                $"| a{pause.Account} | {Milliseconds(pause.Length)} | {phase.Name} | {phase.Node} "
                    + $"| {Milliseconds(pause.From - phase.From)} |\n"
            );
        }

        text.Append("\nWhy a single node did not take a post, which then went to the next:\n\n| | times |\n|---|---|\n");
        foreach (var (why, times) in tally.WhyNot.OrderByDescending(static why => why.Value))
            text.Append(CultureInfo.InvariantCulture, $"| {why} | {times} |\n");
        return new(
            new(
                "upgrade",
                "Rolling upgrade of three nodes",
                text.ToString(),
                [
                    Target.AtMost("posts that no node took", 0, tally.Refused),
                    Target.AtMost("messages lost", 0, lost),
                    Target.AtMost("messages doubled", 0, doubled),
                    Target.Below("longest pause of any lane", LongestPause, longest, " s"),
                ]
            ),
            tally.Refused + lost + doubled + bad == 0 && acknowledged.Count > 0
        );
    }

    private static string Line(IGrouping<string, UpgradePhases.Phase> group, List<LanePause> pauses, UpgradePhases phases)
    {
        var took = new Samples(group.Select(static phase => (phase.To - phase.From).TotalMilliseconds));
        var longest = new Samples(
            group.Select(phase =>
                pauses
                    .Where(pause => phases.At(pause.Middle) == phase)
                    .Select(static pause => pause.Length.TotalMilliseconds)
                    .DefaultIfEmpty(0)
                    .Max()
            )
        );
        return string.Create(
            CultureInfo.InvariantCulture,
            $"| {group.Key} | {group.Count()} | {took.Median:0} ms, {took.Max:0} ms | {Pause(longest.Median)}, {Pause(longest.Max)} "
                + $"| {Milliseconds(group.Max(static phase => phase.Late))} |\n"
        );
    }

    private static string Pause(double milliseconds) =>
        milliseconds == 0
            ? string.Create(CultureInfo.InvariantCulture, $"under {Noted.TotalMilliseconds:0} ms")
            : string.Create(CultureInfo.InvariantCulture, $"{milliseconds:0} ms");

    private static string Milliseconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds:0} ms");
}
