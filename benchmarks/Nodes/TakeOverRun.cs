using System.Globalization;
using System.Text;
using MailProxy.Benchmarks.Chaos;
using MailProxy.Benchmarks.Load;
using MailProxy.Benchmarks.Support;

namespace MailProxy.Benchmarks.Nodes;

/// <summary>
/// One of three nodes is killed while clients post, and the others go on with its mail; again and again, each time when all is calm, so
/// that nothing else is in what is measured.
/// </summary>
internal static class TakeOverRun
{
    private const int Clients = 12,
        Rate = 120;

    // The defaults of Storage:Nodes.
    private const double TimeToLive = 5,
        Beat = 1;

    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Calm = TimeSpan.FromSeconds(4);

    public static async Task<ProofResult> RunAsync(ProofPlace place)
    {
        var rounds = place.Options.Rounds ?? (place.Options.Test ? 2 : 30);
        var tally = new UpgradeTally(UpgradeRun.Accounts);
        using var server = DurableServer.Start();
        await using var sink = new RecordingSink(static () => 1) { OnTaken = tally.Arrive };
        DaemonProcess[] nodes = [.. new[] { "n1", "n2", "n3" }.Select(name => place.Node(name, server.ConnectionString, ProofPlace.Soon))];
        try
        {
            foreach (var node in nodes)
            {
                node.Start();
                await node.ReadyAsync(Within(60));
            }

            for (var i = 0; i < UpgradeRun.Accounts; i++)
                await nodes[0].PutAccountAsync($"a{i}", sink.Port, connections: 4);
            using var stop = new CancellationTokenSource();
            var uris = nodes.Select(static node => node.Base).ToArray();
            var clock = new LateClock();
            Task[] clients =
            [
                .. Enumerable
                    .Range(0, Clients)
                    .Select(n =>
                        new UpgradeClient(uris, n, TimeSpan.FromSeconds((double)Clients / Rate), UpgradeRun.Accounts, tally).RunAsync(
                            stop.Token
                        )
                    ),
                clock.RunAsync(stop.Token),
            ];
            var kills = new List<Killed>();
            for (var round = 0; round < rounds; round++)
            {
                await Task.Delay(Calm);
                clock.Latest();
                var (node, at) = (nodes[round % nodes.Length], tally.Now);
                node.Kill();
                while (tally.LanesAfter(at) is null && tally.Now - at < Longest)
                    await Task.Delay(20);

                // Mail that was on its way to the sink at the kill may arrive a moment after it.
                await Task.Delay(TimeSpan.FromSeconds(TimeToLive + Beat));
                kills.Add(new(round % nodes.Length + 1, at, clock.Latest()));
                node.Start();
                await node.ReadyAsync(Within(60));
                if (Array.Find(clients, static client => client.IsFaulted) is { } fault)
                    await fault;
            }

            await stop.CancelAsync();
            await Task.WhenAll(clients);
            await NodesRun.DrainAsync(nodes[0], new(server.ConnectionString));
            foreach (var node in nodes)
                await node.StopAsync();
            return Report(tally, kills, FailoverCounts.Of(server, tally, sink, [], 0));
        }
        finally
        {
            foreach (var node in nodes)
                node.Dispose();
        }
    }

    private static ProofResult Report(UpgradeTally tally, List<Killed> kills, FailoverCounts counts)
    {
        var pauses = kills
            .Select(kill => (Kill: kill, Seconds: tally.LongestSilence(kill.At, TimeSpan.FromSeconds(TimeToLive * 2)).TotalSeconds))
            .ToList();
        var all = new Samples(pauses.Select(static one => one.Seconds));
        var text = new StringBuilder();
        text.Append(
            CultureInfo.InvariantCulture,
            $"""
            Three nodes over one PostgreSQL (fsync on; {DurableServer.Differences}), with the default `Storage:Nodes` (beat 1 s, time to live 5 s). {Rate} mails a second are posted to {UpgradeRun.Accounts} accounts in turn, by clients that go to the next node on any error, with the same id. One node is killed (SIGKILL) and started again when the others have taken its mail over; then the next one, {Calm.TotalSeconds:0} s after it was ready. What is measured is the longest silence of any account at the sink that covers the kill or follows it: from its last mail before to its first one by another node.

            | | |
            |---|---|
            | kills | {kills.Count} |
            | messages acknowledged | {counts.Acknowledged} |
            | **lost (acknowledged, never arrived, not closed as ambiguous)** | **{counts.Lost}** |
            | doubled at the sink | {counts.Doubled} |
            | **doubled without a `message.ambiguous` event** | **{counts.Unadmitted}** |
            | seconds from the last mail before the kill to the first one after it, of the last account: median (least to most) | {all} |

            The longest:

            | node | seconds | the machine's own stalls meanwhile: longest |
            |---|---|---|

            """
        );
        foreach (var (kill, seconds) in pauses.OrderByDescending(static one => one.Seconds).Take(5))
            text.Append(CultureInfo.InvariantCulture, $"| n{kill.Node} | {seconds:0.00} | {kill.Late.TotalMilliseconds:0} ms |\n");
        return new(
            new(
                "takeover",
                "A node dies and the others go on with its mail",
                text.ToString(),
                [
                    Target.AtMost("messages lost", 0, counts.Lost),
                    Target.AtMost("doubled and not admitted", 0, counts.Unadmitted),
                    Target.AtMost("median from the last mail before to the first after", TimeToLive + 1, all.Median, " s"),
                    Target.AtMost("the longest", TimeToLive + 3, all.Max, " s"),
                ]
            ),
            counts.Lost + counts.Unadmitted == 0 && counts.Acknowledged > 0
        );
    }

    private static CancellationToken Within(int seconds) => new CancellationTokenSource(TimeSpan.FromSeconds(seconds)).Token;

    /// <param name="Late">By how much this process's own clock was late at most meanwhile.</param>
    private readonly record struct Killed(int Node, TimeSpan At, TimeSpan Late);
}
