using MailProxy.Benchmarks.Support;

namespace MailProxy.Benchmarks.Load;

/// <summary>Reports beside ill endpoints, and what reporting costs a drain.</summary>
internal static class ReportScenario
{
    private const int EventsPerSecond = 200,
        EventsPerMessage = 2,
        Bytes = 2_000;

    private static readonly Dictionary<string, string> Loopback = new() { ["MAILPROXY_NETWORK__ALLOWED__0"] = "127.0.0.0/8" };

    public static async Task<LoadSection> RunAsync(LoadBench bench)
    {
        var (late, table) = await TenEndpointsAsync(bench);
        var (cost, drains) = await CostAsync(bench);
        return new(
            "reports",
            "11. Reports",
            $"""
            Ten webhooks of one tenant, each told everything, at {EventsPerSecond} events a second: three never answer, two answer 500, one takes 5 s, four are well (two take batches of 100). How old an event is when a healthy endpoint has it, from the time that it carries:

            {table}

            A drain of {bench.Options.Messages:N0} messages of 2 KB without a webhook and with one in batches of 100, told of `message.sent`; the endpoint is in the client's process on the same two cores.

            {drains}
            Rate with the webhook by the rate without, round by round: **{cost}**.
            """,
            [
                Target.Below("oldest of four healthy endpoints among ten, p99", 100, late, " ms"),
                Target.AtLeast("drain with a webhook, by the drain without", 0.8, cost.Median, " ×"),
            ]
        );
    }

    private static async Task<(double Late, string Table)> TenEndpointsAsync(LoadBench bench)
    {
        using var sink = await SmtpSink.StartAsync();
        using var daemon = await bench.StartAsync(sink.Port, Loopback);
        (string Name, ReportSink Sink, int Batch)[] endpoints =
        [
            .. Enumerable.Range(0, 4).Select(i => ($"well{i}", new ReportSink(204, reads: true), i < 2 ? 1 : 100)),
            .. Enumerable.Range(0, 3).Select(i => ($"hangs{i}", new ReportSink(null), 1)),
            .. Enumerable.Range(0, 2).Select(i => ($"fails{i}", new ReportSink(500), 1)),
            ("slow", new ReportSink(204, TimeSpan.FromSeconds(5)), 1),
        ];
        try
        {
            foreach (var (name, endpoint, batch) in endpoints)
                await daemon.Process.PutAsync($"/v1/webhooks/{name}", new { url = endpoint.Url, max_batch = batch });
            var healthy = endpoints.Take(4).ToArray();
            var warm = bench.Options.Scale(500, 100);
            await PaceAsync(daemon, warm);
            await ToldAsync(healthy, warm * EventsPerMessage);
            foreach (var (_, endpoint, _) in healthy)
                endpoint.Forget();

            var messages = bench.Options.Scale(6_000, 300);
            await PaceAsync(daemon, messages);
            await ToldAsync(healthy, (warm + messages) * EventsPerMessage);

            var rows = healthy.Select(h => (h.Name, h.Batch, Samples: new Samples([.. h.Sink.Delays]))).ToArray();
            string Line((string Name, int Batch, Samples Samples) row) =>
                $"| {row.Name}, max_batch {row.Batch} | {messages * EventsPerMessage:N0} | {Samples.Number(row.Samples.Median)} | "
                + $"{Samples.Number(row.Samples.At(0.99))} | {Samples.Number(row.Samples.Max)} |";
            var table = "| ms | events | p50 | p99 | max |\n|---|---|---|---|---|\n" + string.Join('\n', rows.Select(Line));
            return (rows.Max(row => row.Samples.At(0.99)), table);
        }
        finally
        {
            foreach (var (_, endpoint, _) in endpoints)
                endpoint.Dispose();
        }
    }

    private static async Task PaceAsync(LoadDaemon daemon, int messages)
    {
        using var lane = await HttpLane.ConnectAsync(daemon.Process.Base);
        using var beat = new PeriodicTimer(TimeSpan.FromMilliseconds(1000.0 * EventsPerMessage / EventsPerSecond));
        var request = HttpLane.Request("/v1/messages", TestMail.Single(1, Bytes), DaemonProcess.Key);
        for (var n = 0; n < messages && await beat.WaitForNextTickAsync(); n++)
        {
            var status = await lane.SendAsync(request);
            if (status != 202)
                throw new InvalidOperationException($"Refused with {status}.");
        }
    }

    private static async Task ToldAsync((string Name, ReportSink Sink, int Batch)[] endpoints, int events)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        foreach (var (_, endpoint, _) in endpoints)
        {
            while (endpoint.Events < events)
                await Task.Delay(10, deadline.Token);
        }
    }

    private static async Task<(Samples Cost, string Table)> CostAsync(LoadBench bench)
    {
        using var sink = await SmtpSink.StartAsync();
        using var endpoint = new ReportSink(204);
        using var daemon = await bench.StartAsync(sink.Port, Loopback);
        var (with, without) = (new Row("drain, with a webhook"), new Row("drain"));
        var messages = bench.Options.Messages;
        var warm = bench.Options.Scale(10_000, 1_000);
        await DrainScenario.DrainAsync(daemon, sink, warm, Bytes);
        await ReportedAsync(daemon, sink, endpoint, warm);
        for (var round = 0; round < bench.Options.Rounds; round++)
        {
            without.Add(await DrainScenario.DrainAsync(daemon, sink, messages, Bytes));
            with.Add(await ReportedAsync(daemon, sink, endpoint, messages));
        }

        daemon.Store.AllSent();
        return (with.Over(without), Row.Table(without, with));
    }

    private static async Task<Reading> ReportedAsync(LoadDaemon daemon, SmtpSink sink, ReportSink endpoint, int messages)
    {
        await daemon.Process.PutAsync(
            "/v1/webhooks/hook",
            new
            {
                url = endpoint.Url,
                max_batch = 100,
                types = new[] { "message.sent" },
            }
        );
        var before = endpoint.Requests;
        var reading = await DrainScenario.DrainAsync(daemon, sink, messages, Bytes);
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var emptied = System.Diagnostics.Stopwatch.GetTimestamp();
        while ((await daemon.Process.GetAsync("/v1/webhooks/hook"))["backlog"]!.GetValue<long>() > 0)
            await Task.Delay(10, deadline.Token);
        Console.WriteLine(
            $"  {endpoint.Requests - before} requests; the last was told "
                + $"{System.Diagnostics.Stopwatch.GetElapsedTime(emptied).TotalMilliseconds:0} ms after the last mail"
        );
        await daemon.Process.Http.DeleteAsync("/v1/webhooks/hook");
        return reading;
    }
}
