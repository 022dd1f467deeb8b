using System.Diagnostics;
using System.Threading.Channels;
using MailProxy.Benchmarks.Support;

namespace MailProxy.Benchmarks.Load;

/// <summary>From the first byte of a POST to the sink's final reply: two commits, and a mail sent.</summary>
internal static class LatencyScenario
{
    private const int Bytes = 2_000,
        PerSecond = 200;
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    public static async Task<LoadSection> RunAsync(LoadBench bench)
    {
        await using var sink = new TimingSink();
        using var daemon = await bench.StartAsync(sink.Port);
        var lanes = Channel.CreateBounded<HttpLane>(32);
        for (var i = 0; i < 32; i++)
            await lanes.Writer.WriteAsync(await HttpLane.ConnectAsync(daemon.Process.Base));

        await BusyAsync(sink, lanes, "warm", bench.Options.Scale(1_000, 200));
        var (idle, busy) = (new List<double>(), new List<double>());
        for (var round = 0; round < bench.Options.Rounds; round++)
        {
            idle.AddRange(await IdleAsync(sink, lanes, $"idle{round}", bench.Options.Scale(200, 50)));
            busy.AddRange(await BusyAsync(sink, lanes, $"busy{round}", bench.Options.Scale(1_000, 400)));
            Console.WriteLine(
                $"  idle p50 {Samples.Number(new Samples(idle).Median)} ms, p99 {Samples.Number(new Samples(idle).At(0.99))} ms; "
                    + $"at {PerSecond}/s p50 {Samples.Number(new Samples(busy).Median)} ms, p99 "
                    + $"{Samples.Number(new Samples(busy).At(0.99))} ms"
            );
        }

        var (still, loaded) = (new Samples(idle), new Samples(busy));
        string Line(string name, Samples s, int count) =>
            $"| {name} | {count:N0} | {Samples.Number(s.Median)} | {Samples.Number(s.At(0.9))} | {Samples.Number(s.At(0.99))} | "
            + $"{Samples.Number(s.Max)} |";
        return new(
            "latency",
            "6. Latency from POST to the sink's final reply",
            $"""
            One message of 2 KB a POST; the sink is in the client's process, so one clock reads both ends. Idle: one message at a time with a pause of 20 ms. Its connection is open, as it is for 30 s after a mail.

            | ms | messages | p50 | p90 | p99 | max |
            |---|---|---|---|---|---|
            {Line("idle", still, idle.Count)}
            {Line($"at {PerSecond}/s", loaded, busy.Count)}
            """,
            [Target.Below("idle latency p50", 1.8, still.Median, " ms"), Target.Below("idle latency p99", 4, still.At(0.99), " ms")]
        );
    }

    private static async Task<List<double>> IdleAsync(TimingSink sink, Channel<HttpLane> lanes, string name, int messages)
    {
        var times = new List<double>();
        for (var n = 0; n < messages; n++)
        {
            await Task.Delay(20);
            times.Add(await OneAsync(sink, lanes, $"{name}-{n}"));
        }

        return times;
    }

    /// <summary>An open loop: a late answer delays nobody else's start.</summary>
    private static async Task<double[]> BusyAsync(TimingSink sink, Channel<HttpLane> lanes, string name, int messages)
    {
        using var beat = new PeriodicTimer(TimeSpan.FromMilliseconds(1000.0 / PerSecond));
        var all = new List<Task<double>>();
        for (var n = 0; n < messages && await beat.WaitForNextTickAsync(); n++)
            all.Add(OneAsync(sink, lanes, $"{name}-{n}"));
        return await Task.WhenAll(all);
    }

    private static async Task<double> OneAsync(TimingSink sink, Channel<HttpLane> lanes, string id)
    {
        var request = HttpLane.Request("/v1/messages", TestMail.Single(1, Bytes, $",\"id\":\"{id}\""), DaemonProcess.Key);
        var taken = sink.TakenAsync("default/" + id);
        var begun = Stopwatch.GetTimestamp();
        var lane = await lanes.Reader.ReadAsync();
        var status = await lane.SendAsync(request);
        if (status != 202)
            throw new InvalidOperationException($"Refused with {status}.");
        await lanes.Writer.WriteAsync(lane);
        return Stopwatch.GetElapsedTime(begun, await taken.WaitAsync(Deadline)).TotalMilliseconds;
    }
}
