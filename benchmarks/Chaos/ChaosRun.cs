using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Http.Json;
using MailProxy.Benchmarks.Support;
using MailProxy.Pipeline.Storage.Sqlite.Flight;
using Microsoft.Data.Sqlite;

namespace MailProxy.Benchmarks.Chaos;

/// <summary>Kills the daemon at random instants while clients post, and then counts what was lost and what came twice.</summary>
internal static class ChaosRun
{
    private const int Connections = 8;

    public static async Task<int> RunAsync(string[] args, string root)
    {
        var options = ChaosOptions.Parse(args);
        var place = Directory.CreateTempSubdirectory("mailproxy-chaos-").FullName;
        var program = options.Daemon ?? DaemonProcess.Publish(root, Path.Combine(place, "program"));
        var data = Directory.CreateDirectory(Path.Combine(place, "data")).FullName;
        var dice = new Random(options.Seed);
        await using var sink = new RecordingSink(Locked(new Random(options.Seed + 1)));
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
            }
        );
        var acknowledged = new ConcurrentDictionary<string, string>();
        var watch = Stopwatch.StartNew();

        daemon.Start();
        await daemon.ReadyAsync(Within(30));
        await daemon.PutAccountAsync("sink", sink.Port, Connections);
        using (var put = await daemon.Http.PutAsJsonAsync("/v1/webhooks/hanging", new { url = webhook.Url }))
            put.EnsureSuccessStatusCode();

        using var stop = new CancellationTokenSource();
        var clients = Enumerable
            .Range(0, options.Clients)
            .Select(n => new ChaosClient(daemon.Http, n, acknowledged).RunAsync(stop.Token))
            .ToArray();
        var inDoubt = new List<int>();
        var kills = 0;
        while (kills < options.Kills && watch.Elapsed.TotalSeconds < options.Seconds)
        {
            // Some kills hit the start itself: recovery must survive its own crash. The others hit a daemon at work.
            if (dice.Next(5) > 0)
                await daemon.ReadyAsync(Within(60));
            await Task.Delay(dice.Next(5, 600));
            if (Array.Find(clients, static client => client.IsFaulted) is { } fault)
                await fault;
            daemon.Kill();
            kills++;
            inDoubt.Add(InDoubt(data));
            daemon.Start();
            if (kills % 25 == 0)
                Console.WriteLine(
                    $"{kills} kills, {acknowledged.Count} acknowledged, {sink.Taken.Count} arrived, {watch.Elapsed:hh\\:mm\\:ss}"
                );
        }

        await daemon.ReadyAsync(Within(60));
        await stop.CancelAsync();
        await Task.WhenAll(clients).WaitAsync(TimeSpan.FromSeconds(60));
        sink.Misbehaves = false;
        await DrainAsync(daemon, data);
        var exit = await daemon.StopAsync();

        var result = ChaosResult.Of(options, kills, acknowledged, sink, webhook, inDoubt, exit, data, watch.Elapsed);
        Console.WriteLine(result.Text);
        if (options.Report)
            await File.WriteAllTextAsync(Path.Combine(root, "benchmarks", "results", "chaos.md"), result.Text);
        if (result.Good)
            Directory.Delete(place, recursive: true);
        else
            Console.WriteLine($"The data is kept in {place}.");
        Console.WriteLine(result.Good ? "1 passed, 0 failed" : "0 passed, 1 failed");
        return result.Good ? 0 : 1;
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

    /// <summary>Attempts whose last block had gone out, without an answer, as the files say that the killed process left.</summary>
    private static int InDoubt(string data)
    {
        using var file = FlightFile.TryOpen(Path.Combine(data, FlightStart.FileName));
        if (file?.ReadHeader() is not { } header)
            return 0;
        var octets = file.ReadSlots();
        var found = 0;
        for (var at = 0; at < octets.Length; at += FlightSlot.Size)
        {
            if (FlightSlot.Read(octets.AsSpan(at, FlightSlot.Size), header.Run) is not { Phase: FlightPhase.Out, Ticket: var ticket })
                continue;
            found += (int)Count(data, $"SELECT count(*) FROM queue WHERE message = {ticket.Id} AND attempt = {ticket.Attempt}");
        }

        return found;
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
