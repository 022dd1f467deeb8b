using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Http.Json;
using MailProxy.Benchmarks.Support;
using MailProxy.Tests.Support.PowerCuts;
using Microsoft.Data.Sqlite;

namespace MailProxy.Benchmarks.Chaos;

/// <summary>Kills the daemon at random instants while clients post, and then counts what was lost and what came twice.</summary>
internal static class ChaosRun
{
    private const int Connections = 8,
        SpareConnections = 4,
        AllConnections = Connections + SpareConnections + ChaosGenro.Connections;

    // Milliseconds from ready, or from the program's start, to the kill.
    private const int LongestLife = 300;

    public static async Task<int> RunAsync(string[] args, string root)
    {
        var options = ChaosOptions.Parse(args);
        var place = Directory.CreateTempSubdirectory("mailproxy-chaos-").FullName;
        var program = options.Daemon ?? DaemonProcess.Publish(root, Path.Combine(place, "program"));
        var run = options.Append ? ChaosCounts.Read(root) : new();
        var (begun, planned, good) = (run.Pieces, run.Kills, true);
        var watch = Stopwatch.StartNew();
        Exception? fault = null;
        var pieces = new HashSet<Task<(string Data, ChaosCounts Counts)>>();
        bool IsWanted() => good && planned < options.Kills && watch.Elapsed.TotalSeconds < options.Seconds;
        while (IsWanted() || pieces.Count > 0)
        {
            while (pieces.Count < options.Parallel && IsWanted())
            {
                var data = Directory.CreateDirectory(Path.Combine(place, $"piece-{begun}", "data")).FullName;
                var kills = Math.Min(options.Piece, options.Kills - planned);
                var left = TimeSpan.FromSeconds(options.Seconds) - watch.Elapsed;
                pieces.Add(WithDataAsync(data, PieceAsync(options, program, data, options.Seed + begun, kills, left)));
                begun++;
                planned += kills;
            }

            var ended = await Task.WhenAny(pieces);
            pieces.Remove(ended);
            if (ended.IsFaulted)
            {
                // The other pieces come to their ends, so that no daemon is left behind.
                (fault, good) = (ended.Exception, false);
                continue;
            }

            var (kept, piece) = await ended;
            run += piece;
            good &= piece.IsGood(AllConnections);
            await TellAsync(options, run, root);
            if (piece.IsGood(AllConnections))
                Directory.Delete(Path.GetDirectoryName(kept)!, recursive: true);
            else
                Console.WriteLine($"The data is kept in {kept}.");
        }

        if (fault is not null)
            throw fault;
        Console.WriteLine(ChaosResult.Text(options, run, AllConnections));
        if (good)
            Directory.Delete(place, recursive: true);
        good = run.IsGood(AllConnections);
        Console.WriteLine(good ? "1 passed, 0 failed" : "0 passed, 1 failed");
        return good ? 0 : 1;
    }

    private static async Task<(string, ChaosCounts)> WithDataAsync(string data, Task<ChaosCounts> piece) => (data, await piece);

    // After each piece: a run that is cut has told what it found, and goes on from there.
    private static async Task TellAsync(ChaosOptions options, ChaosCounts run, string root)
    {
        if (!options.Report)
            return;
        run.Write(root);
        await ChaosReport.WriteAsync(root, ChaosReport.Kills, ChaosResult.Text(options, run, AllConnections));
    }

    private static async Task<ChaosCounts> PieceAsync(
        ChaosOptions options,
        string program,
        string data,
        int seed,
        int wanted,
        TimeSpan within
    )
    {
        var dice = new Random(seed);
        await using var sink = new RecordingSink(Locked(new Random(seed + 1_000_000)));
        using var webhook = new HangingWebhook();
        using var daemon = new DaemonProcess(
            program,
            data,
            new Dictionary<string, string>
            {
                // A short schedule, so that what the sink puts off is tried again within the run.
                ["MAILPROXY_REPORT__RETRYMINUTES"] = "0.02, 0.02, 0.05, 0.1, 0.1, 0.2, 0.2, 0.2, 0.2, 0.2",
                ["MAILPROXY_REPORT__ACCOUNTBACKOFFFIRST"] = "00:00:01",
                ["MAILPROXY_REPORT__ACCOUNTBACKOFFLONGEST"] = "00:00:01",
                ["MAILPROXY_NETWORK__ALLOWED__0"] = "127.0.0.0/8",
                ["MAILPROXY_GENRO__ENABLED"] = "true",
                ["MAILPROXY_GENRO__ADMINTOKEN"] = ChaosGenro.AdminToken,
            }
        );
        var acknowledged = new ConcurrentDictionary<string, string>();
        var watch = Stopwatch.StartNew();

        daemon.Start();
        await daemon.ReadyAsync(Within(300));
        await daemon.PutAccountAsync("sink", sink.Port, Connections);
        await daemon.PutAccountAsync("spare", sink.Port, SpareConnections);
        var pool = new ChaosPool(daemon.Http, new Random(seed + 2_000_000));
        await pool.WholeAsync();
        using var genro = new ChaosGenro(daemon.Base, new Random(seed + 3_000_000), acknowledged);
        await genro.SetUpAsync(sink.Port);
        using (var put = await daemon.Http.PutAsJsonAsync("/v1/webhooks/hanging", new { url = webhook.Url }))
            put.EnsureSuccessStatusCode();

        using var stop = new CancellationTokenSource();
        var clients = Enumerable
            .Range(0, options.Clients)
            .Select(n => new ChaosClient(daemon.Http, n, acknowledged).RunAsync(stop.Token))
            .Append(pool.RunAsync(stop.Token))
            .Append(genro.RunAsync(stop.Token))
            .ToArray();
        var left = new List<FlightDoubts>();
        while (left.Count < wanted && watch.Elapsed < within)
        {
            // Some kills hit the start itself: recovery must survive its own crash. The others hit a daemon at work.
            if (dice.Next(5) > 0)
                await daemon.ReadyAsync(Within(300));
            await Task.Delay(dice.Next(5, LongestLife));
            if (Array.Find(clients, static client => client.IsFaulted) is { } fault)
                await fault;
            daemon.Kill();
            left.Add(FlightDoubts.Read(data));
            daemon.Start();
            if (left.Count % 50 == 0)
                Console.WriteLine(
                    $"{left.Count} kills, {acknowledged.Count} acknowledged, {sink.Taken.Count} arrived, {watch.Elapsed:hh\\:mm\\:ss}"
                );
        }

        await daemon.ReadyAsync(Within(300));
        await stop.CancelAsync();
        await Task.WhenAll(clients).WaitAsync(TimeSpan.FromSeconds(60));
        sink.Misbehaves = false;
        await pool.WholeAsync();
        await DrainAsync(daemon, data);
        await genro.ToldAsync();
        var exit = await daemon.StopAsync();
        return ChaosResult.Of(left, acknowledged, sink, webhook, exit, data, watch.Elapsed) with
        {
            Reports = genro.Calls,
            Untold = genro.Untold,
            Twice = genro.Twice,
        };
    }

    public static long Count(string data, string sql)
    {
        var file = Path.Combine(data, "mailproxy.db");
        if (!File.Exists(file))
            return 0;
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = file, Pooling = false }.ToString());
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return Convert.ToInt64(command.ExecuteScalar());
    }

    /// <summary>Releases what waits for a person after an ambiguous attempt, and waits until nothing waits.</summary>
    private static async Task DrainAsync(DaemonProcess daemon, string data)
    {
        var deadline = Stopwatch.StartNew();
        while (Count(data, "SELECT count(*) FROM queue") > 0)
        {
            if (deadline.Elapsed > TimeSpan.FromMinutes(5))
                return;
            await daemon.PostAsync("/v1/dispatcher/run-now");
            var held = await daemon.GetAsync("/v1/messages?status=held&limit=500");
            foreach (var message in held["data"]!.AsArray())
                await daemon.PostAsync($"/v1/messages/{message!["id"]}/release");
            await Task.Delay(250);
        }
    }

    private static CancellationToken Within(int seconds) => new CancellationTokenSource(TimeSpan.FromSeconds(seconds)).Token;

    private static Func<double> Locked(Random random) =>
        () =>
        {
            lock (random)
                return random.NextDouble();
        };
}
