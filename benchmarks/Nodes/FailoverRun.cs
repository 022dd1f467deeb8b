using MailProxy.Benchmarks.Chaos;
using MailProxy.Benchmarks.Support;
using MailProxy.Tests.Support;

namespace MailProxy.Benchmarks.Nodes;

/// <summary>The database's primary is killed while clients post, and its replica takes over; again and again, with a new replica each
/// time.</summary>
internal static class FailoverRun
{
    public const int Nodes = 3,
        Clients = 12;

    private static readonly TimeSpan Between = TimeSpan.FromSeconds(5);

    public static async Task<ProofResult> RunAsync(ProofPlace place)
    {
        var rounds = place.Options.Rounds ?? (place.Options.Test ? 1 : 10);
        var asynchronous = place.Options.Test ? 1 : Math.Min(rounds, 3);
        return FailoverReport.Of(
            place.Options,
            await OneAsync(place with { Folder = Path.Combine(place.Folder, "synchronous") }, true, rounds),
            await OneAsync(place with { Folder = Path.Combine(place.Folder, "asynchronous") }, false, asynchronous)
        );
    }

    private static async Task<FailoverCounts> OneAsync(ProofPlace place, bool isSynchronous, int rounds)
    {
        var tally = new UpgradeTally(UpgradeRun.Accounts);
        await using var sink = new RecordingSink(static () => 1) { OnTaken = tally.Arrive };
        var (primary, other) = (DurableServer.Start("wal_keep_size = 512MB"), FreePort.Take());
        DurableServer? replica = null;
        DaemonProcess[] nodes = [.. Enumerable.Range(1, Nodes).Select(n => place.Node($"n{n}", primary.With(other)))];
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
            var every = TimeSpan.FromSeconds((double)Clients / place.Options.Rate);
            var uris = nodes.Select(static node => node.Base).ToArray();
            Task[] clients =
            [
                .. Enumerable
                    .Range(0, Clients)
                    .Select(n => new UpgradeClient(uris, n, every, UpgradeRun.Accounts, tally).RunAsync(stop.Token)),
            ];
            var restarting = RestartAsync(nodes, stop.Token);
            var kills = new List<TimeSpan>();
            for (var round = 0; round < rounds; round++)
            {
                replica = primary.Replicate(other);
                await primary.WaitForReplicasAsync(isSynchronous);
                await Task.Delay(Between);
                kills.Add(tally.Now);
                primary.Kill();
                replica.Promote();
                other = primary.Port;
                primary.Dispose();
                (primary, replica) = (replica, null);
                await Task.Delay(Between);
                if (Array.Find(clients, static client => client.IsFaulted) is { } fault)
                    await fault;
            }

            await Task.Delay(Between);
            await stop.CancelAsync();
            await Task.WhenAll(clients);
            await DrainAsync(nodes[0], primary);
            var ended = await restarting;
            foreach (var node in nodes)
                await node.StopAsync();
            return FailoverCounts.Of(primary, tally, sink, kills, ended);
        }
        finally
        {
            foreach (var node in nodes)
                node.Dispose();
            replica?.Dispose();
            primary.Dispose();
        }
    }

    // As a service manager does it. How often it had to.
    private static async Task<int> RestartAsync(DaemonProcess[] nodes, CancellationToken stop)
    {
        var ended = 0;
        while (!stop.IsCancellationRequested)
        {
            foreach (var node in nodes.Where(static node => node.HasExited))
            {
                ended++;
                node.Start();
            }

            await Task.Delay(TimeSpan.FromSeconds(1), CancellationToken.None);
        }

        return ended;
    }

    /// <summary>Releases what waits for a person after an ambiguous attempt, and waits until nothing waits.</summary>
    private static async Task DrainAsync(DaemonProcess node, DurableServer server)
    {
        await node.ReadyAsync(Within(60));
        var look = new StoreLook(server.ConnectionString);
        for (var left = 480; look.Count("SELECT count(*) FROM queue") > 0; left--)
        {
            if (left == 0)
                throw new TimeoutException("The queue is not empty two minutes after the last post.");
            await node.PostAsync("/v1/dispatcher/run-now");
            await Task.Delay(250);
        }
    }

    private static CancellationToken Within(int seconds) => new CancellationTokenSource(TimeSpan.FromSeconds(seconds)).Token;
}
