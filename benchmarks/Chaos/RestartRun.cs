using System.Diagnostics;
using System.Globalization;
using System.Text;
using MailProxy.Benchmarks.Support;

namespace MailProxy.Benchmarks.Chaos;

/// <summary>Replaces the program while clients post, by a stop and a start as <c>systemctl restart</c> does, with one version and another
/// in
/// turn; once with a port of the daemon's own and once with a socket that is held open meanwhile.</summary>
internal static class RestartRun
{
    private const int Connections = 8;

    public static async Task<int> RunAsync(string[] args, string root)
    {
        var options = RestartOptions.Parse(args);
        var place = Directory.CreateTempSubdirectory("mailproxy-restart-").FullName;
        var newer = options.Newer ?? DaemonProcess.Publish(root, Path.Combine(place, "newer"));
        var older = options.Older ?? Copy(newer, Path.Combine(place, "older"));
        var own = await OneAsync(options, [older, newer], Path.Combine(place, "own", "data"), null);
        using var socket = new PassedSocket();
        var held = await OneAsync(options, [older, newer], Path.Combine(place, "held", "data"), socket);

        var text = Text(options, own, held);
        Console.WriteLine(text);
        if (options.Report)
            await ChaosReport.WriteAsync(root, ChaosReport.Restarts, text);
        var good = own.IsGood && held.IsGood && held.Failures == 0;
        if (good)
            Directory.Delete(place, recursive: true);
        else
            Console.WriteLine($"The data is kept in {place}.");
        Console.WriteLine(good ? "1 passed, 0 failed" : "0 passed, 1 failed");
        return good ? 0 : 1;
    }

    private static async Task<Outcome> OneAsync(RestartOptions options, string[] programs, string data, PassedSocket? socket)
    {
        Directory.CreateDirectory(data);
        await using var sink = new RecordingSink(static () => 1);
        var settings = new Dictionary<string, string> { ["MAILPROXY_NETWORK__ALLOWED__0"] = "127.0.0.0/8" };
        using var daemon = new DaemonProcess(programs[0], data, settings, socket);
        daemon.Start();
        await daemon.ReadyAsync(Within(60));
        await daemon.PutAccountAsync("sink", sink.Port, Connections);

        var tally = new RestartTally();
        var every = TimeSpan.FromSeconds((double)options.Clients / options.Rate);
        TimeSpan? secondTry = TimeSpan.FromMilliseconds(options.SecondTry);
        using var stop = new CancellationTokenSource();
        var clients = Enumerable
            .Range(0, options.Clients)
            .Select(n => new RestartClient(daemon.Base, n, every, socket is null ? secondTry : null, tally).RunAsync(stop.Token))
            .ToArray();
        await Task.Delay(TimeSpan.FromSeconds(2));
        tally.LongestPause();

        List<TimeSpan>[] pauses =
        [
            [],
            [],
        ];
        List<TimeSpan> stops = [],
            starts = [];
        for (var i = 1; i <= options.Restarts; i++)
        {
            var begun = Stopwatch.GetTimestamp();
            var exit = await daemon.StopAsync();
            stops.Add(Stopwatch.GetElapsedTime(begun));
            if (exit != 0)
                throw new InvalidOperationException($"The daemon stopped with {exit}; see daemon.log beside {data}.");
            daemon.Program = programs[i % 2];
            begun = Stopwatch.GetTimestamp();
            daemon.Start();
            await daemon.ReadyAsync(Within(60));
            starts.Add(Stopwatch.GetElapsedTime(begun));
            await Task.Delay(TimeSpan.FromSeconds(2)); // what waited is answered, and the next restart finds the usual load
            pauses[i % 2].Add(tally.LongestPause());
        }

        await stop.CancelAsync();
        await Task.WhenAll(clients);
        var drained = Stopwatch.StartNew();
        while (ChaosRun.Count(data, "SELECT count(*) FROM queue") > 0 && drained.Elapsed < TimeSpan.FromMinutes(2))
            await Task.Delay(100);
        await daemon.StopAsync();
        var taken = sink.Taken.ToDictionary(static one => one.Key[(one.Key.IndexOf('/') + 1)..], static one => one.Value);
        if (tally.Failures > 0)
            Console.WriteLine($"Failures: {tally.Details}");
        return new(
            pauses[1],
            pauses[0],
            stops,
            starts,
            tally.Acknowledged.Count,
            tally.Failures,
            tally.Seen,
            tally.Acknowledged.Keys.Count(id => !taken.ContainsKey(id)),
            taken.Values.Count(static times => times > 1)
        );
    }

    private static string Text(RestartOptions options, Outcome own, Outcome held)
    {
        var text = new StringBuilder();
        text.AppendLine(ChaosReport.Restarts).AppendLine();
        text.AppendLine(
            CultureInfo.InvariantCulture,
            $"""
            `dotnet run -c Release --project benchmarks -- chaos restart --restarts {options.Restarts}` on {Environment.ProcessorCount} cores, .NET {Environment.Version}.
            {options.Clients} clients post {options.Rate} mails a second over connections that they keep, and the daemon sends them, while it is stopped (SIGTERM) and the other version is started on the same store, in both directions in turn.
            With a port of its own a client tries once more, 0.9 s after a connection failure, and its pause is that long; with a socket that the service manager holds (`mailproxy.socket`) it never tries again.

            | | a port of its own | a socket of systemd |
            |---|---|---|
            | restarts | {own.Restarts} | {held.Restarts} |
            | messages acknowledged | {own.Acknowledged} | {held.Acknowledged} |
            | connection failures | {own.Failures} | {held.Failures} |
            | **errors that a client was left with** | **{own.Seen}** | **{held.Seen}** |
            | **lost** | **{own.Lost}** | **{held.Lost}** |
            | **doubled** | **{own.Doubled}** | **{held.Doubled}** |
            | pause without an answer, older to newer: median, longest | {Of(own.ToNewer)} | {Of(held.ToNewer)} |
            | the same, newer to older | {Of(own.ToOlder)} | {Of(held.ToOlder)} |
            | of it the stop, from SIGTERM to the end of the process | {Of(own.Stops)} | {Of(held.Stops)} |
            | and the start, to the first answer of `/health/ready` | {Of(own.Starts)} | {Of(held.Starts)} |
            """
        );
        return text.ToString();
    }

    private static string Of(List<TimeSpan> pauses)
    {
        if (pauses.Count == 0)
            return "";
        var sorted = pauses.Order().ToList();
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{sorted[sorted.Count / 2].TotalMilliseconds:0} ms, {sorted[^1].TotalMilliseconds:0} ms"
        );
    }

    private static string Copy(string program, string into)
    {
        var from = Path.GetDirectoryName(program)!;
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            var to = Path.Combine(into, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            File.Copy(file, to);
        }

        return Path.Combine(into, Path.GetFileName(program));
    }

    private static CancellationToken Within(int seconds) => new CancellationTokenSource(TimeSpan.FromSeconds(seconds)).Token;

    private sealed record Outcome(
        List<TimeSpan> ToNewer,
        List<TimeSpan> ToOlder,
        List<TimeSpan> Stops,
        List<TimeSpan> Starts,
        int Acknowledged,
        int Failures,
        int Seen,
        int Lost,
        int Doubled
    )
    {
        public int Restarts => ToNewer.Count + ToOlder.Count;

        public bool IsGood => Seen == 0 && Lost == 0 && Doubled == 0 && Acknowledged > 0;
    }
}
