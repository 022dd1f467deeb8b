using System.Diagnostics;
using MailProxy.Benchmarks.Support;

namespace MailProxy.Benchmarks.Load;

/// <summary>From the program's start to its word to the service manager that it is ready, and to the first answer over HTTP, as a whole
/// process.</summary>
internal static class StartScenario
{
    private const int Bytes = 2_000;

    public static async Task<LoadSection> RunAsync(LoadBench bench)
    {
        var queued = bench.Options.Quick ? 5_000 : 1_000_000;
        using var sink = await SmtpSink.StartAsync();
        using var notice = new ReadyNotice(Path.Combine(Path.GetTempPath(), $"mailproxy-ready-{Environment.ProcessId}"));
        var settings = new Dictionary<string, string> { ["NOTIFY_SOCKET"] = notice.Path };
        var fresh = new List<(double Ready, double Answer)>();
        for (var round = 0; round < bench.Options.Rounds; round++)
        {
            using var made = bench.NewDaemon(settings);
            fresh.Add(await TimeAsync(made, notice));
            await made.StopAsync();
        }

        using var daemon = await bench.StartAsync(sink.Port, settings);
        await notice.ComesAsync(Within());
        var empty = await AgainAsync(daemon, notice, bench.Options.Rounds);
        await daemon.SuspendAsync();
        await daemon.FillAsync(queued, Bytes);
        var full = await AgainAsync(daemon, notice, bench.Options.Rounds);
        return new(
            "start",
            "Start",
            $"""
            Milliseconds from the start of the program as the packages hold it (`dotnet publish -r linux-x64 --self-contained`). Ready: its word to the service manager (`READY=1`), by which `systemctl start` returns. Answer: the first of `/health/ready` after that, which builds the routes.

            | store | ready | answer |
            |---|---|---|
            | made by this start | {Ready(fresh)} | {Answer(fresh)} |
            | empty | {Ready(empty)} | {Answer(empty)} |
            | {queued:N0} queued | {Ready(full)} | {Answer(full)} |
            """,
            [
                Target.Below("ready with an empty store", 400, Ready(empty).Median, " ms"),
                Target.Below($"ready with {queued:N0} queued", 600, Ready(full).Median, " ms"),
            ]
        );
    }

    private static async Task<List<(double Ready, double Answer)>> AgainAsync(LoadDaemon daemon, ReadyNotice notice, int rounds)
    {
        var times = new List<(double, double)>();
        for (var round = 0; round < rounds; round++)
        {
            await daemon.StopAsync();
            times.Add(await TimeAsync(daemon, notice));
        }

        Console.WriteLine($"  ready after {Ready(times)} ms");
        return times;
    }

    private static async Task<(double Ready, double Answer)> TimeAsync(LoadDaemon daemon, ReadyNotice notice)
    {
        var begun = Stopwatch.GetTimestamp();
        daemon.Process.Start();
        await notice.ComesAsync(Within());
        var ready = Stopwatch.GetElapsedTime(begun).TotalMilliseconds;
        await daemon.Process.ReadyAsync(Within());
        return (ready, Stopwatch.GetElapsedTime(begun).TotalMilliseconds);
    }

    private static Samples Ready(IEnumerable<(double Ready, double Answer)> times) => new([.. times.Select(static one => one.Ready)]);

    private static Samples Answer(IEnumerable<(double Ready, double Answer)> times) => new([.. times.Select(static one => one.Answer)]);

    private static CancellationToken Within() => new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token;
}
