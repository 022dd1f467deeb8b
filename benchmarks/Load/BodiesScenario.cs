using System.Text;
using MailProxy.Benchmarks.Support;

namespace MailProxy.Benchmarks.Load;

/// <summary>The most memory that the daemon takes for large bodies, at ingest and at drain.</summary>
internal static class BodiesScenario
{
    private const int Most = 300;

    private static readonly (string Name, int Requests, int Connections, int Bytes)[] Loads =
    [
        ("8 × 10 MB at once", 8, 8, 10_000_000),
        ("200 × 1 MB over 64 connections", 200, 64, 1_000_000),
    ];

    private const string Ndjson = "application/x-ndjson";

    private static readonly (string Name, string Type, Func<int, byte[]> Body)[] Shapes =
    [
        ("content", "application/json", static bytes => Json(Attached(bytes))),
        ("raw", "application/json", static bytes => Json($"\"raw\":\"{Raw(bytes)}\"")),
        ("text", "application/json", static bytes => TestMail.Single(1, bytes)),
        ("content, a line of NDJSON", Ndjson, static bytes => Json(Attached(bytes))),
    ];

    public static async Task<LoadSection> RunAsync(LoadBench bench)
    {
        using var sink = await SmtpSink.StartAsync();
        var table = new StringBuilder("| bodies | | at ingest, MB | at drain, MB |\n|---|---|---|---|\n");
        var targets = new List<Target>();
        foreach (var load in Loads)
        {
            foreach (var shape in Shapes)
            {
                var (ingest, drain) = await MeasureAsync(bench, sink, load.Requests, load.Connections, shape.Body(load.Bytes), shape.Type);
                table.Append($"| {load.Name} | {shape.Name} | {ingest} | {drain} |\n");
                targets.Add(Target.Below($"{load.Name}, {shape.Name}: memory", Most, Math.Max(ingest, drain), " MB"));
            }
        }

        return new(
            "bodies",
            "Memory for large bodies",
            $"""
            The most resident memory of a fresh daemon: while the requests come, and in all when the messages have been sent.

            {table}
            """,
            targets
        );
    }

    private static async Task<(long Ingest, long Drain)> MeasureAsync(
        LoadBench bench,
        SmtpSink sink,
        int requests,
        int connections,
        byte[] body,
        string type
    )
    {
        using var daemon = await bench.StartAsync(sink.Port);
        await daemon.SuspendAsync();
        await daemon.PostAsync(body, "/v1/messages", requests, connections, type);
        var ingest = CpuTime.Memory(daemon.Process.Id).Peak >> 20;
        await daemon.ActivateAsync();
        await daemon.Store.EmptyAsync(TimeSpan.FromMinutes(10));
        daemon.Store.AllSent();
        return (ingest, CpuTime.Memory(daemon.Process.Id).Peak >> 20);
    }

    private static byte[] Json(string content) =>
        Encoding.ASCII.GetBytes($$"""{"account":"sink","from":"{{TestMail.From}}","to":"reader@example.net",{{content}}}""");

    private static string Attached(int bytes) =>
        $$"""
            "text":"Attached.","attachments":[{"filename":"a.bin","content":"{{Octets(bytes)}}"}]
            """;

    private static string Octets(int bytes)
    {
        var octets = new byte[bytes];
        new Random(1).NextBytes(octets);
        return Convert.ToBase64String(octets);
    }

    private static string Raw(int bytes) =>
        Convert.ToBase64String(
            Encoding.ASCII.GetBytes($"From: {TestMail.From}\nTo: reader@example.net\nSubject: Your order\n\n{TestMail.Text(bytes)}")
        );
}
