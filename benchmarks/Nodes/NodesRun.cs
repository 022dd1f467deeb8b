using System.Collections.Concurrent;
using System.Diagnostics;
using MailProxy.Benchmarks.Chaos;
using MailProxy.Benchmarks.Support;
using MailProxy.Tests.Support;

namespace MailProxy.Benchmarks.Nodes;

/// <summary>Three nodes over one PostgreSQL, to which is done what machines and networks do; then it is counted what came of it.</summary>
internal static class NodesRun
{
    private const int Clients = 4;

    public static async Task<int> RunAsync(string[] args, string root)
    {
        try
        {
            return await RunAsync(NodesOptions.Parse(args), root);
        }
        finally
        {
            PostgresServer.EndShared();
        }
    }

    private static async Task<int> RunAsync(NodesOptions options, string root)
    {
        var place = Directory.CreateTempSubdirectory("mailproxy-nodes-").FullName;
        var program = options.Daemon ?? DaemonProcess.Publish(root, Path.Combine(place, "program"));
        var run = options.Append ? NodesCounts.Read(root) : new();
        var watch = Stopwatch.StartNew();
        while (run.Faults < options.Faults && watch.Elapsed.TotalSeconds < options.Seconds)
        {
            var folder = Directory.CreateDirectory(Path.Combine(place, $"piece-{run.Pieces}")).FullName;
            var wanted = Math.Min(options.Piece, options.Faults - run.Faults);
            var left = TimeSpan.FromSeconds(options.Seconds) - watch.Elapsed;
            var piece = await PieceAsync(options, program, folder, options.Seed + run.Pieces, wanted, left);
            run += piece;
            if (options.Report)
            {
                run.Write(root);
                await File.WriteAllTextAsync(Path.Combine(root, "benchmarks", "results", "nodes.md"), NodesResult.Text(options, run));
            }

            if (!piece.IsGood)
            {
                Console.WriteLine(NodesResult.Text(options, run));
                Console.WriteLine($"The logs are kept in {folder}.\n0 passed, 1 failed");
                return 1;
            }

            Directory.Delete(folder, recursive: true);
        }

        Console.WriteLine(NodesResult.Text(options, run));
        Directory.Delete(place, recursive: true);
        Console.WriteLine("1 passed, 0 failed");
        return 0;
    }

    private static async Task<NodesCounts> PieceAsync(
        NodesOptions options,
        string program,
        string place,
        int seed,
        int wanted,
        TimeSpan within
    )
    {
        var server = PostgresServer.Shared;
        var database = server.MakeDatabase();
        var arrivals = new Arrivals();
        var sinkDice = new Random(seed + 1_000_000);
        await using var sink = new RecordingSink(() =>
        {
            lock (sinkDice)
                return sinkDice.NextDouble();
        })
        {
            OnTaken = arrivals.Add,
        };
        await using var webhook = await WatchingWebhook.StartAsync();
        NodeProcess[] nodes =
        [
            .. new[] { "n1", "n2", "n3" }.Select(name => new NodeProcess(
                name,
                program,
                place,
                server,
                database,
                options,
                hasClock: name == "n3" && FakeClock.Library is not null
            )),
        ];
        HttpClient[] https = [.. nodes.Select(static node => node.Http)];
        var acknowledged = new ConcurrentDictionary<string, string>();
        var watch = Stopwatch.StartNew();
        try
        {
            foreach (var node in nodes)
                node.Start();
            foreach (var node in nodes)
                await node.ReadyAsync(TimeSpan.FromSeconds(120));
            await ConfigureAsync(nodes[0].Daemon, sink.Port, webhook.Url);

            using var stop = new CancellationTokenSource();
            var feed = new FeedReader(https);
            Task[] clients =
            [
                .. Enumerable.Range(0, Clients).Select(number => new NodesClient(https, number, acknowledged).RunAsync(stop.Token)),
                feed.RunAsync(stop.Token),
            ];
            var faults = new NodesFaults(nodes, server, arrivals, new Random(seed), TimeSpan.FromSeconds(options.Ttl));
            while (faults.Count < wanted && watch.Elapsed < within)
            {
                await faults.NextAsync();
                if (Array.Find(clients, static client => client.IsFaulted) is { } fault)
                    await fault;
            }

            await faults.HealAsync();
            await stop.CancelAsync();
            await Task.WhenAll(clients).WaitAsync(TimeSpan.FromSeconds(120));
            sink.Misbehaves = false;
            var store = new StoreLook(server.ConnectionString(database));
            await DrainAsync(nodes[0].Daemon, store);
            await feed.FinishAsync();
            await WebhookAsync(webhook, store);
            var bad = 0;
            foreach (var node in nodes)
                bad += await node.Daemon.StopAsync() == 0 ? 0 : 1;
            return NodesResult.Of(faults, acknowledged, sink, feed, webhook, arrivals, store) with
            {
                Seconds = watch.Elapsed.TotalSeconds,
                BadExits = bad,
            };
        }
        finally
        {
            foreach (var node in nodes)
                node.Dispose();
            server.DropDatabase(database);
        }
    }

    private static async Task ConfigureAsync(DaemonProcess daemon, int sink, string webhook)
    {
        for (var i = 0; i < NodesClient.Accounts; i++)
            await daemon.PutAccountAsync($"a{i}", sink, connections: 2);
        await daemon.PutAccountAsync("p1", sink, connections: 2);
        await daemon.PutAccountAsync("p2", sink, connections: 2);
        await daemon.PutAsync("/v1/pools/pool", new { strategy = "weighted", accounts = new[] { "p1", "p2" } });
        await daemon.PutAsync(
            $"/v1/accounts/{NodesClient.Limited}",
            new
            {
                host = "127.0.0.1",
                port = sink,
                security = "none",
                max_connections = 2,
                limits = new { per_minute = NodesClient.LimitPerMinute },
            }
        );
        await daemon.PutAsync("/v1/webhooks/watching", new { url = webhook });
    }

    /// <summary>Releases what waits for a person after an ambiguous attempt, and waits until nothing waits.</summary>
    public static async Task DrainAsync(DaemonProcess daemon, StoreLook store)
    {
        var deadline = Stopwatch.StartNew();
        while (store.Count("SELECT count(*) FROM queue") > 0 && deadline.Elapsed < TimeSpan.FromMinutes(5))
        {
            await daemon.PostAsync("/v1/dispatcher/run-now");
            var held = await daemon.GetAsync("/v1/messages?status=held&limit=500");
            foreach (var message in held["data"]!.AsArray())
                await daemon.PostAsync($"/v1/messages/{message!["id"]}/release");
            await Task.Delay(250);
        }
    }

    private static async Task WebhookAsync(WatchingWebhook webhook, StoreLook store)
    {
        var deadline = Stopwatch.StartNew();
        while (webhook.Events.Count < store.Count(StoreLook.ToldEvents) && deadline.Elapsed < TimeSpan.FromMinutes(2))
            await Task.Delay(100);
    }
}
