using System.Diagnostics;
using MailProxy.Benchmarks.Support;

namespace MailProxy.Benchmarks.Load;

/// <summary>From the program's start to the first answer of <c>/health/ready</c>, as a whole process.</summary>
internal static class StartScenario
{
    private const int Bytes = 2_000;

    public static async Task<LoadSection> RunAsync(LoadBench bench)
    {
        var queued = bench.Options.Quick ? 5_000 : 1_000_000;
        using var sink = await SmtpSink.StartAsync();
        var fresh = new List<double>();
        for (var round = 0; round < bench.Options.Rounds; round++)
        {
            using var made = bench.NewDaemon();
            fresh.Add(await TimeAsync(made));
            await made.StopAsync();
        }

        using var daemon = await bench.StartAsync(sink.Port);
        var empty = await AgainAsync(daemon, bench.Options.Rounds);
        await daemon.SuspendAsync();
        await daemon.FillAsync(queued, Bytes);
        var full = await AgainAsync(daemon, bench.Options.Rounds);
        return new(
            "start",
            "Start",
            $"""
            Milliseconds from the start of the program that `dotnet publish` makes to the first answer of `/health/ready`, asked each 2 ms.

            | store | ms |
            |---|---|
            | made by this start | {new Samples(fresh)} |
            | empty | {empty} |
            | {queued:N0} queued | {full} |
            """,
            [
                Target.Below("ready with an empty store", 400, empty.Median, " ms"),
                Target.Below($"ready with {queued:N0} queued", 600, full.Median, " ms"),
            ]
        );
    }

    private static async Task<Samples> AgainAsync(LoadDaemon daemon, int rounds)
    {
        var times = new List<double>();
        for (var round = 0; round < rounds; round++)
        {
            await daemon.StopAsync();
            times.Add(await TimeAsync(daemon));
        }

        var samples = new Samples(times);
        Console.WriteLine($"  ready after {samples} ms");
        return samples;
    }

    private static async Task<double> TimeAsync(LoadDaemon daemon)
    {
        var begun = Stopwatch.GetTimestamp();
        await daemon.StartAsync();
        return Stopwatch.GetElapsedTime(begun).TotalMilliseconds;
    }
}
