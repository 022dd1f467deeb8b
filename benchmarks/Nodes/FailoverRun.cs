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
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(60);

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
        DaemonProcess[] nodes = [.. Enumerable.Range(1, Nodes).Select(n => place.Node($"n{n}", primary.With(other), ProofPlace.Soon))];
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
            var kills = new List<Failover>();
            for (var round = 0; round < rounds; round++)
            {
                replica = primary.Replicate(other);
                await primary.WaitForReplicasAsync(isSynchronous);
                await Task.Delay(Between);
                var killed = tally.Now;
                primary.Kill();
                replica.Promote();
                kills.Add(new(killed, tally.Now));
                other = primary.Port;
                primary.Dispose();
                (primary, replica) = (replica, null);
                for (var begun = tally.Now; tally.LanesAfter(kills[^1].Promoted) is null && tally.Now - begun < Longest; )
                    await Task.Delay(50);
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

    private static async Task DrainAsync(DaemonProcess node, DurableServer server)
    {
        await node.ReadyAsync(Within(60));
        var look = new StoreLook(server.ConnectionString);
        await NodesRun.DrainAsync(node, look);
        var left = look.Each(
            "SELECT m.id || ' of lane ' || q.lane || ', state ' || q.state || ', due ' || q.due || ', attempt ' || q.attempt FROM queue q "
                + "JOIN messages m ON m.number = q.message LIMIT 20",
            static row => row.GetString(0)
        );
        if (left.Count > 0)
            throw new TimeoutException($"The queue is not empty five minutes after the last post: {string.Join("; ", left)}.");
    }

    private static CancellationToken Within(int seconds) => new CancellationTokenSource(TimeSpan.FromSeconds(seconds)).Token;
}

/// <summary>When the primary was killed, and when its replica took writes.</summary>
internal readonly record struct Failover(TimeSpan Killed, TimeSpan Promoted);
