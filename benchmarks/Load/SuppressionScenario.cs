using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using MailProxy.Benchmarks.Support;

namespace MailProxy.Benchmarks.Load;

/// <summary>A long suppression list: its import and export, its look-ups, and what it costs the mail that goes.</summary>
internal static class SuppressionScenario
{
    private const string Hit = "SELECT reason FROM suppressions WHERE tenant = 'default' AND address = $target";

    public static async Task<LoadSection> RunAsync(LoadBench bench)
    {
        var entries = bench.Options.Scale(1_000_000, 10_000);
        using var sink = await SmtpSink.StartAsync();
        var (before, after) = (new Row("no list"), new Row($"{entries:N0} entries"));
        using var plain = await bench.StartAsync(sink.Port);
        using var daemon = await bench.StartAsync(sink.Port);

        var took = await Poster.TimeAsync(() => ImportAsync(daemon, entries));
        var import = CpuTime.Memory(daemon.Process.Id).Peak >> 20;
        var (read, exported) = await ExportAsync(daemon);
        if (read != entries)
            throw new InvalidOperationException($"{read} of {entries} entries were exported.");
        var peak = CpuTime.Memory(daemon.Process.Id).Peak >> 20;
        var lookUp = LookUp(daemon, entries, bench.Options.Scale(200_000, 1_000));
        for (var round = -1; round < bench.Options.Rounds; round++)
        {
            var (without, with) = (await IngestAsync(bench, plain), await IngestAsync(bench, daemon));
            if (round < 0)
                continue; // warms up
            before.Add(without);
            after.Add(with);
        }

        return new(
            "suppressions",
            "A long suppression list",
            $"""
            {entries:N0} entries, a tenth of them domains, as one NDJSON request: imported in **{took.TotalSeconds:0.0} s**, resident at most {import} MB; exported in {exported.TotalSeconds:0.0} s, resident at most **{peak} MB**. A look-up of an address and its domain takes **{lookUp:0.0} µs** (the store's statements, in this process, addresses at random).

            Ingest in batches of 100, the dispatcher suspended, none of the recipients on the list:

            {Row.Table(before, after)}
            Ratio of the rates, round by round: **{after.Over(before)}**.
            """,
            [Target.Below($"import and export of {entries:N0} suppressions: memory", 200, peak, " MB")]
        );
    }

    private static string EntryOf(int n) => n % 10 == 0 ? $"@d{n}.example.net" : $"reader{n}@d{n % 997}.example.net";

    private static async Task ImportAsync(LoadDaemon daemon, int entries)
    {
        using var content = new PushContent(async stream =>
        {
            await using var writer = new StreamWriter(stream, Encoding.ASCII, 1 << 16, leaveOpen: true);
            for (var n = 0; n < entries; n++)
            {
                var kind = n % 10 == 0 ? "domain" : "address";
                await writer.WriteAsync($$"""{"{{kind}}":"{{EntryOf(n).TrimStart('@')}}","reason":"asked us to stop"}""" + "\n");
            }
        });
        content.Headers.ContentType = new MediaTypeHeaderValue("application/x-ndjson");
        using var answer = await daemon.Process.Http.PostAsync("/v1/suppressions/import", content);
        var told = await answer.Content.ReadAsStringAsync();
        if (!answer.IsSuccessStatusCode || (int?)JsonNode.Parse(told)!["added"] != entries)
            throw new InvalidOperationException($"The import was answered with {(int)answer.StatusCode}: {told}");
    }

    private static async Task<(int Lines, TimeSpan Took)> ExportAsync(LoadDaemon daemon)
    {
        var begun = Stopwatch.GetTimestamp();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/suppressions/export");
        request.Headers.Accept.Add(new("application/x-ndjson"));
        using var answer = await daemon.Process.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await answer.EnsureSuccessStatusCode().Content.ReadAsStreamAsync());
        var lines = 0;
        while (await reader.ReadLineAsync() is not null)
            lines++;
        return (lines, Stopwatch.GetElapsedTime(begun));
    }

    /// <returns>Microseconds of one.</returns>
    private static double LookUp(LoadDaemon daemon, int entries, int times)
    {
        using var hit = daemon.Store.Statement(Hit, "$target");
        var dice = new Random(1);
        var (found, begun) = (0, Stopwatch.GetTimestamp());
        for (var i = 0; i < times; i++)
        {
            var n = dice.Next(2 * entries);
            foreach (var target in (string[])[$"reader{n}@d{n % 997}.example.net", $"@d{n % 997}.example.net"])
            {
                hit.Parameters[0].Value = target;
                found += hit.ExecuteScalar() is null ? 0 : 1;
            }
        }

        if (found == 0)
            throw new InvalidOperationException("No look-up found anything.");
        return Stopwatch.GetElapsedTime(begun).TotalMicroseconds / times;
    }

    private static async Task<Reading> IngestAsync(LoadBench bench, LoadDaemon daemon)
    {
        var messages = bench.Options.Scale(50_000, 2_000);
        await daemon.SuspendAsync();
        var body = TestMail.Batch(100, 2_000);
        var meter = daemon.Meter(null);
        await daemon.PostAsync(body, "/v1/messages/batch", messages / 100, 8);
        return meter.Read(messages);
    }

    /// <summary>A body that is written while it is sent.</summary>
    private sealed class PushContent(Func<Stream, Task> write) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, System.Net.TransportContext? context) => write(stream);

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
