using System.Diagnostics;
using MailProxy.Benchmarks.Support;

namespace MailProxy.Benchmarks.Load;

/// <summary>Whether a longer queue costs more: drain rate, memory, and the time from start to the first mail.</summary>
internal static class GrowthScenario
{
    private const int Bytes = 2_000;

    public static async Task<LoadSection> RunAsync(LoadBench bench)
    {
        int[] depths = bench.Options.Quick ? [1_000, 5_000] : [10_000, 100_000, 1_000_000];
        var slice = depths[0];
        var found = new List<Depth>();
        foreach (var depth in depths)
            found.Add(await AtAsync(bench, depth, slice));

        var (first, last) = (found[0], found[^1]);
        var ratio = last.Rate.Median / first.Rate.Median;
        var lines = string.Join(
            '\n',
            found.Select(d => $"| {d.Queued:N0} | {d.Rate} | {d.Cpu} | {d.AtRest >> 20} | {d.Peak >> 20} | {d.FirstMail:0.00} |")
        );
        return new(
            "growth",
            "8. Growth of the queue",
            $"""
            Seeded over HTTP, then the daemon is started anew. The rate is that of {slice:N0} messages a time, {bench.Options.Rounds} times: at {slice:N0} the queue is filled again for each, the longer ones are drained from the top.
            Start to first mail: from the program's start to the sink's first final reply.

            | queued | messages a second | CPU µs a message | MB after start | MB at most | s from start to first mail |
            |---|---|---|---|---|---|
            {lines}

            Drain rate at {last.Queued:N0} by that at {first.Queued:N0}: **{Samples.Number(ratio)}**.
            """,
            [
                Target.AtLeast($"drain rate at {last.Queued:N0} queued, by that at {first.Queued:N0}", 1, ratio, " ×"),
                Target.Below($"resident memory with {last.Queued:N0} queued", 200, last.Peak >> 20, " MB"),
                Target.Below($"start to first mail with {last.Queued:N0} queued", 0.6, last.FirstMail, " s"),
            ]
        );
    }

    private static async Task<Depth> AtAsync(LoadBench bench, int depth, int slice)
    {
        var sink = await SmtpSink.StartAsync();
        using var daemon = await bench.StartAsync(sink.Port);
        try
        {
            await daemon.SuspendAsync();
            var took = await Poster.TimeAsync(() => daemon.FillAsync(depth, Bytes));
            Console.WriteLine($"  {depth:N0} queued in {took.TotalSeconds:0.0} s");
            await daemon.StopAsync();
            await daemon.StartAsync();
            var (atRest, _) = CpuTime.Memory(daemon.Process.Id);

            var (rates, cpu) = (new List<double>(), new List<double>());
            for (var round = -1; round < bench.Options.Rounds; round++)
            {
                if (depth == slice && round >= 0)
                    await daemon.FillAsync(depth, Bytes);
                var (meter, position) = (daemon.Meter(sink), daemon.Store.Position);
                await daemon.ActivateAsync();
                await daemon.Store.PositionAsync(position + slice, TimeSpan.FromMinutes(10));
                var reading = meter.Read(daemon.Store.Position - position);
                await daemon.SuspendAsync();
                if (round < 0)
                    continue; // warms up
                rates.Add(reading.Rate);
                cpu.Add(reading.Subject);
            }

            var (_, peak) = CpuTime.Memory(daemon.Process.Id);
            var rate = new Samples(rates);
            Console.WriteLine($"  {depth:N0}: {rate}/s, {atRest >> 20} MB after start, {peak >> 20} MB at most");
            var firstMail = await FirstMailAsync(daemon, sink, depth, slice);
            return new(depth, rate, new(cpu), atRest, peak, firstMail);
        }
        finally
        {
            sink.Dispose();
        }
    }

    private static async Task<double> FirstMailAsync(LoadDaemon daemon, SmtpSink sink, int depth, int slice)
    {
        if (depth == slice)
            await daemon.FillAsync(depth, Bytes);

        // The timing sink takes smtp-sink's place; what is sent before the stop goes to it too, and does not count.
        await daemon.StopAsync();
        sink.Dispose();
        await using (var early = new TimingSink(sink.Port))
        {
            await daemon.StartAsync();
            await daemon.ActivateAsync();
            await early.First;
            await daemon.StopAsync();
        }

        await using var timing = new TimingSink(sink.Port);
        var begun = Stopwatch.GetTimestamp();
        await daemon.StartAsync();
        return Stopwatch.GetElapsedTime(begun, await timing.First.WaitAsync(TimeSpan.FromMinutes(2))).TotalSeconds;
    }

    private sealed record Depth(int Queued, Samples Rate, Samples Cpu, long AtRest, long Peak, double FirstMail);
}
