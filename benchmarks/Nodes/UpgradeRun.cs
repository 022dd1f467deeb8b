using MailProxy.Benchmarks.Chaos;
using MailProxy.Benchmarks.Support;

namespace MailProxy.Benchmarks.Nodes;

/// <summary>Three nodes are stopped (SIGTERM) and started again one after the other while clients post.</summary>
internal static class UpgradeRun
{
    public const int Accounts = 12;

    private const int Clients = 24;

    public static async Task<ProofResult> RunAsync(ProofPlace place)
    {
        var options = place.Options;
        var rounds = options.Rounds ?? (options.Test ? 1 : 10);
        var settle = TimeSpan.FromSeconds(options.Test ? 2 : 3);
        var tally = new UpgradeTally(Accounts);
        using var server = DurableServer.Start();
        await using var sink = new RecordingSink(static () => 1) { OnTaken = tally.Arrive };
        DaemonProcess[] nodes = [.. new[] { "n1", "n2", "n3" }.Select(name => place.Node(name, server.ConnectionString))];
        try
        {
            foreach (var node in nodes)
            {
                node.Start();
                await node.ReadyAsync(Within(60));
            }

            for (var i = 0; i < Accounts; i++)
                await nodes[0].PutAccountAsync($"a{i}", sink.Port, connections: 4);

            using var stop = new CancellationTokenSource();
            var every = TimeSpan.FromSeconds((double)Clients / options.Rate);
            var uris = nodes.Select(static node => node.Base).ToArray();
            Task[] clients =
            [
                .. Enumerable.Range(0, Clients).Select(n => new UpgradeClient(uris, n, every, Accounts, tally).RunAsync(stop.Token)),
            ];
            var clock = new LateClock();
            var ticking = clock.RunAsync(stop.Token);
            var phases = new UpgradePhases(tally, clock);
            await UpgradePhases.AsideAsync(Task.Delay(TimeSpan.FromSeconds(5))); // everything warms up
            await phases.DoAsync(UpgradePhases.Undisturbed, "–", Task.Delay(TimeSpan.FromSeconds(options.Test ? 3 : 20)));
            var bad = 0;
            for (var round = 0; round < rounds; round++)
            {
                for (var i = 0; i < nodes.Length; i++)
                {
                    var exit = nodes[i].StopAsync();
                    await phases.DoAsync(UpgradePhases.Stop, $"n{i + 1}", exit);
                    bad += await exit == 0 ? 0 : 1;
                    nodes[i].Program = round % 2 == 0 ? options.Newer ?? place.Program : place.Program;
                    nodes[i].Start();
                    await phases.DoAsync(UpgradePhases.Start, $"n{i + 1}", nodes[i].ReadyAsync(Within(60)));
                    await phases.DoAsync(UpgradePhases.After, $"n{i + 1}", Task.Delay(settle));
                    if (Array.Find(clients, static client => client.IsFaulted) is { } fault)
                        await fault;
                }
            }

            await stop.CancelAsync();
            await Task.WhenAll([.. clients, ticking]);
            await UpgradePhases.AsideAsync(DrainAsync(server));
            foreach (var node in nodes)
                bad += await node.StopAsync() == 0 ? 0 : 1;
            return UpgradeReport.Of(options, rounds, settle, tally, phases, sink, bad);
        }
        finally
        {
            foreach (var node in nodes)
                node.Dispose();
        }
    }

    private static async Task DrainAsync(DurableServer server)
    {
        await using var connection = server.Open();
        await using var command = connection.CreateCommand();
        command.CommandText = "SELECT count(*) FROM queue";
        for (var left = 1200; (long)(await command.ExecuteScalarAsync())! > 0; left--)
        {
            if (left == 0)
                throw new TimeoutException("The queue is not empty two minutes after the last post.");
            await Task.Delay(100);
        }
    }

    private static CancellationToken Within(int seconds) => new CancellationTokenSource(TimeSpan.FromSeconds(seconds)).Token;
}
