using System.Diagnostics;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Transfer;
using MailProxy.Benchmarks.Stages;
using MailProxy.Benchmarks.Support;
using MailProxy.Tests.Support;

namespace MailProxy.Benchmarks.Load;

/// <summary>Fetched attachments: memory with many large ones at once, throughput of smaller ones, and what a cache hit costs.</summary>
internal static class AttachmentScenario
{
    private const int Large = 25_000_000;
    private const string Bucket = "files";

    private static readonly Dictionary<string, string> Loopback = new() { ["MAILPROXY_NETWORK__ALLOWED__0"] = "127.0.0.1" };

    public static async Task<LoadSection> RunAsync(LoadBench bench)
    {
        using var sink = await SmtpSink.StartAsync();
        await using var files = await FileServer.StartAsync();
        var mails = bench.Options.Scale(50, 4);
        var web = await LargeAsync(bench, sink, mails, n => $"{files.Address}{Large}/{n}");
        var store = await FromS3Async(bench, sink, mails);

        await using var loop = await BareMailKit.ConnectAsync(sink.Port);
        using var daemon = await bench.StartAsync(sink.Port, Loopback);
        var rows = new List<(Row Bare, Row Fetched, Row Same)>();
        foreach (
            var (name, bytes, messages) in new[]
            {
                ("100 KB", 100_000, bench.Options.Scale(2_000, 40)),
                ("1 MB", 1_000_000, bench.Options.Scale(300, 10)),
            }
        )
        {
            var row = (
                Bare: new Row($"{name}: bare MailKit loop, in memory"),
                Fetched: new Row($"{name}: fetched by HTTP, each another"),
                Same: new Row($"{name}: fetched by HTTP, all the same")
            );
            var number = 0;
            for (var round = -1; round < bench.Options.Rounds; round++)
            {
                var meter = Meter.OfMyself(sink.Id);
                await loop.SendAsync(messages, FileServer.Content(bytes, round));
                var bare = meter.Read(messages);
                var fetched = await DrainAsync(daemon, sink, messages, _ => $"{files.Address}{bytes}/{number++}");
                var one = number++;
                var same = await DrainAsync(daemon, sink, messages, _ => $"{files.Address}{bytes}/{one}");
                if (round < 0)
                    continue; // warms up
                row.Bare.Add(bare);
                row.Fetched.Add(fetched);
                row.Same.Add(same);
            }

            rows.Add(row);
        }

        daemon.Store.AllSent();
        var (bySource, byHash) = await CacheHitAsync(bench.Options.Scale(500_000, 10_000));
        var ratios = string.Join(
            "; ",
            rows.Select(r => $"{r.Fetched.Name} **{r.Fetched.Over(r.Bare)}**, all the same **{r.Same.Over(r.Bare)}**")
        );
        return new(
            "attachments",
            "10. Fetched attachments",
            $"""
            {mails} messages with {Large
                / 1_000_000} MB each, every file another, queued and then let go at once; a fresh daemon for each kind of source.

            | source | MB at most | seconds until all are sent |
            |---|---|---|
            | HTTP | {web.Peak >> 20} | {web.Seconds:0.0} |
            | S3 (`fauxqs`) | {(store is { } s3 ? $"{s3.Peak >> 20} | {s3.Seconds:0.0}" : "not installed | –")} |

            One attachment a message. The web server runs in the client; the loop has its attachment in memory.

            {Row.Table(rows.SelectMany(static r => new[] { r.Bare, r.Fetched, r.Same }))}
            Rates by the bare loop's, round by round: {ratios}.

            A cache hit costs {bySource.Microseconds:0.00} µs and {bySource.Bytes:0} bytes by source, {byHash.Microseconds:0.00} µs and {byHash.Bytes:0} bytes by claimed hash.
            """,
            [
                Target.Below($"resident memory, {mails} × 25 MB at once from HTTP", 200, web.Peak >> 20, " MB"),
                .. store is { } found
                    ? new[] { Target.Below($"resident memory, {mails} × 25 MB at once from S3", 200, found.Peak >> 20, " MB") }
                    : [],
            ]
        );
    }

    private static async Task<(long Peak, double Seconds)?> FromS3Async(LoadBench bench, SmtpSink sink, int mails)
    {
        if (!File.Exists(Path.Combine(Checkout.Root(), ".tools/s3/node_modules/fauxqs/dist/app.js")))
            return null;
        await using var s3 = await S3Server.StartAsync(Bucket);
        using var client = new AmazonS3Client(
            new BasicAWSCredentials(S3Server.AccessKey, S3Server.SecretKey),
            new AmazonS3Config
            {
                ServiceURL = s3.Endpoint.ToString(),
                ForcePathStyle = true,
                AuthenticationRegion = S3Server.Region,
            }
        );
        using var transfer = new TransferUtility(client);
        for (var n = 0; n < mails; n++)
            await transfer.UploadAsync(new MemoryStream(FileServer.Content(Large, n)), Bucket, $"{n}.bin");
        var volume = new
        {
            backend = "s3",
            config = new
            {
                bucket = Bucket,
                endpoint = s3.Endpoint,
                path_style = true,
                region = S3Server.Region,
                access_key = S3Server.AccessKey,
                secret_key = S3Server.SecretKey,
            },
        };
        return await LargeAsync(bench, sink, mails, static n => $"files:{n}.bin", volume);
    }

    private static async Task<(long Peak, double Seconds)> LargeAsync(
        LoadBench bench,
        SmtpSink sink,
        int mails,
        Func<int, string> source,
        object? volume = null
    )
    {
        using var daemon = await bench.StartAsync(sink.Port, Loopback);
        if (volume is not null)
            await daemon.Process.PutAsync("/v1/volumes/files", volume);
        var begun = Stopwatch.GetTimestamp();
        await DrainAsync(daemon, sink, mails, source);
        var seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds;
        daemon.Store.AllSent();
        var (_, peak) = CpuTime.Memory(daemon.Process.Id);
        Console.WriteLine($"  {mails} × 25 MB: {peak >> 20} MB at most, {seconds:0.0} s");
        return (peak, seconds);
    }

    private static async Task<Reading> DrainAsync(LoadDaemon daemon, SmtpSink sink, int messages, Func<int, string> source)
    {
        await daemon.SuspendAsync();
        foreach (var chunk in Enumerable.Range(0, messages).Chunk(500))
        {
            var body = TestMail.Batch(chunk.Select(n => $$""","attachments":[{"filename":"file.bin","source":"{{source(n)}}"}]"""));
            await daemon.PostAsync(body, "/v1/messages/batch", 1, 1);
        }

        var meter = daemon.Meter(sink);
        await daemon.ActivateAsync();
        await daemon.Store.EmptyAsync(TimeSpan.FromMinutes(10));
        return meter.Read(messages);
    }

    private static async Task<((double Microseconds, double Bytes) BySource, (double Microseconds, double Bytes) ByHash)> CacheHitAsync(
        int times
    )
    {
        var cache = new CacheBenchmarks();
        await cache.Open();
        try
        {
            return (Cost(cache.HitBySource, times), Cost(cache.HitByHash, times));
        }
        finally
        {
            await cache.Close();
        }
    }

    private static (double Microseconds, double Bytes) Cost(Func<long> hit, int times)
    {
        for (var i = 0; i < times / 10; i++)
            hit();
        var (bytes, begun) = (GC.GetAllocatedBytesForCurrentThread(), Stopwatch.GetTimestamp());
        for (var i = 0; i < times; i++)
            hit();
        return (
            Stopwatch.GetElapsedTime(begun).TotalMicroseconds / times,
            (GC.GetAllocatedBytesForCurrentThread() - bytes) / (double)times
        );
    }
}
