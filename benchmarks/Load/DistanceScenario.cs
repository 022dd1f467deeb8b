using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using MailProxy.Benchmarks.Support;
using MailProxy.Tests.Support;

namespace MailProxy.Benchmarks.Load;

/// <summary>A full queue to a server that is far away, where each answer that is waited for costs a round trip.</summary>
internal static class DistanceScenario
{
    private const int Bytes = 2_000;

    // More rounds would tell nothing more: the distance is so much longer than what a noisy machine adds.
    private const int MostRounds = 3;

    /// <param name="Each">Messages a connection: the faster, the more, so that opening the connection hardly counts.</param>
    /// <param name="Account">What the account says; null: a bare MailKit loop.</param>
    private sealed record Way(string Name, int Each, (string Pipelining, int Chunking)? Account);

    private static readonly Way Next = new("`next`", 200, ("next", 0)),
        Chunking = new("`chunking: 16`", 800, ("next", 16));

    private static readonly Way[] Ways =
    [
        new("bare MailKit loop", 50, null),
        new("`off`", 50, ("off", 0)),
        new("`envelope`", 50, ("envelope", 0)),
        Next,
        Chunking,
    ];

    public static async Task<LoadSection> RunAsync(LoadBench bench)
    {
        await using var sink = new ScriptedSmtpServer { KeepsRecord = false };
        sink.Extensions.Add("CHUNKING");
        using var daemon = await bench.StartAsync(sink.Port);

        // Warm before the first round counts.
        foreach (var way in Ways)
            await MeasureAsync(bench, daemon, sink.Port, way, 8);
        var text = new StringBuilder();
        var found = new Dictionary<(int RoundTrip, int Connections, Way Way), Samples>();
        foreach (var milliseconds in bench.Options.Quick ? new[] { 50 } : [20, 50, 100])
        {
            await using var link = new DelayingProxy(sink.Port, TimeSpan.FromMilliseconds(milliseconds));
            var real = await RoundTripAsync(link.Port);
            foreach (var connections in new[] { 1, 8 })
            {
                var times = Ways.ToDictionary(static way => way, static _ => new List<double>());
                for (var round = 0; round < Math.Min(bench.Options.Rounds, MostRounds); round++)
                {
                    foreach (var way in Ways)
                        times[way].Add(await MeasureAsync(bench, daemon, link.Port, way, connections));
                }

                foreach (var (way, seconds) in times)
                {
                    var each = found[(milliseconds, connections, way)] = new(seconds.Select(s => s * 1000 / milliseconds));
                    var rate = new Samples(seconds.Select(s => connections / s));
                    var line = $"| {milliseconds} ({real:0.0}) | {connections} | {way.Name} | {each} | {rate} |";
                    Console.WriteLine("  " + line);
                    text.Append(line).Append('\n');
                }
            }
        }

        daemon.Store.AllSent();
        return new(
            "distance",
            "Over a distance",
            $"""
            Messages of 2 KB, queued while the dispatcher is suspended, to a server behind a proxy that delays: from activation, with the opening of the connections, to the last message's final state. The loop's connections are open before. Round trips are those of one connection: its time by its messages. In brackets what a NOOP took through the proxy.

            | round trip, ms | connections | | round trips a message | messages a second |
            |---|---|---|---|---|
            {text.ToString().TrimEnd()}
            """,
            [
                Target.Below("round trips a message over 50 ms on one connection, `next`", 1.15, found[(50, 1, Next)].Median),
                Target.Below("the same with `chunking: 16`", 0.15, found[(50, 1, Chunking)].Median),
            ]
        );
    }

    /// <summary>Seconds that a connection takes for a message.</summary>
    private static async Task<double> MeasureAsync(LoadBench bench, LoadDaemon daemon, int port, Way way, int connections)
    {
        var each = bench.Options.Scale(way.Each, way.Each / 10);
        TimeSpan took;
        if (way.Account is { } account)
        {
            await PutAsync(daemon, port, account.Pipelining, account.Chunking, connections);
            await daemon.SuspendAsync();
            await daemon.FillAsync(each * connections, Bytes, batch: each);
            took = await Poster.TimeAsync(async () =>
            {
                await daemon.ActivateAsync();
                await daemon.Store.EmptyAsync(TimeSpan.FromMinutes(10));
            });
        }
        else
        {
            await using var loop = await BareMailKit.ConnectAsync(port, connections);
            took = await Poster.TimeAsync(() => loop.SendAsync(each * connections, TestMail.Text(Bytes)));
        }

        return took.TotalSeconds / each;
    }

    private static Task PutAsync(LoadDaemon daemon, int port, string pipelining, int chunking, int connections) =>
        daemon.Process.PutAsync(
            "/v1/accounts/sink",
            new JsonObject
            {
                ["host"] = "127.0.0.1",
                ["port"] = port,
                ["security"] = "none",
                ["max_connections"] = connections,
                ["max_messages_per_connection"] = 10_000,
                ["pipelining"] = pipelining,
                ["chunking"] = chunking,
            }
        );

    /// <summary>The median of some NOOPs, in milliseconds.</summary>
    private static async Task<double> RoundTripAsync(int port)
    {
        using var socket = new TcpClient { NoDelay = true };
        await socket.ConnectAsync("127.0.0.1", port);
        await using var stream = socket.GetStream();
        using var replies = new StreamReader(stream);
        await replies.ReadLineAsync();
        var times = new List<double>();
        for (var i = 0; i < 11; i++)
        {
            var begun = Stopwatch.GetTimestamp();
            await stream.WriteAsync("NOOP\r\n"u8.ToArray());
            await replies.ReadLineAsync();
            times.Add(Stopwatch.GetElapsedTime(begun).TotalMilliseconds);
        }

        return new Samples(times).Median;
    }
}
