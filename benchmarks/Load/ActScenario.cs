using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using MailProxy.Benchmarks.Support;

namespace MailProxy.Benchmarks.Load;

/// <summary>One action on very many messages while other mail goes out, and what that costs the mail.</summary>
internal static class ActScenario
{
    private const int Bytes = 2_000;

    public static async Task<LoadSection> RunAsync(LoadBench bench)
    {
        var (held, mails) = (bench.Options.Scale(100_000, 2_000), bench.Options.Scale(100_000, 2_000));
        using var sink = await SmtpSink.StartAsync();
        using var daemon = await bench.StartAsync(sink.Port);
        await daemon.SuspendAsync();
        await daemon.FillAsync(held, 200, ",\"batch\":\"held\",\"send_at\":\"2099-01-01T00:00:00Z\"");
        var alone = await DrainAsync(daemon, sink, mails, null);

        var (rows, worst) = (new List<string>(), TimeSpan.Zero);
        string? undo = null;
        foreach (var (action, q) in new[] { ("hold", "batch:held"), ("undo", ""), ("cancel", "batch:held") })
        {
            TimeSpan took = default;
            var id = "";
            var beside = await DrainAsync(
                daemon,
                sink,
                mails,
                async () =>
                {
                    var begun = Stopwatch.GetTimestamp();
                    id = action == "undo" ? await UndoAsync(daemon, undo!) : await BeginAsync(daemon, action, q);
                    await EndAsync(daemon, id, held);
                    took = Stopwatch.GetElapsedTime(begun);
                }
            );
            undo = id;
            worst = took > worst ? took : worst;
            rows.Add($"| {action} | {took.TotalSeconds:0.0} | {held / took.TotalSeconds:N0} | {beside.Rate / alone.Rate:0.00} |");
            Console.WriteLine($"  {action}: {took.TotalSeconds:0.0} s; mail meanwhile {beside.Rate:N0}/s, alone {alone.Rate:N0}/s");
        }

        return new(
            "act",
            "One action on very many messages",
            $"""
            {held:N0} scheduled messages are acted on by one operation each time, while a drain of {mails:N0} messages of 2 KB begins at the same moment. The last column: the rate of that drain by one with nothing beside it.

            | | s | messages/s | mail meanwhile |
            |---|---|---|---|
            {string.Join('\n', rows)}
            """,
            [Target.Below($"an operation on {held:N0} messages while mail goes out", 30, worst.TotalSeconds, " s")]
        );
    }

    private static async Task<Reading> DrainAsync(LoadDaemon daemon, SmtpSink sink, int mails, Func<Task>? beside)
    {
        await daemon.SuspendAsync();
        await daemon.FillAsync(mails, Bytes);
        var meter = daemon.Meter(sink);
        await daemon.ActivateAsync();
        var other = beside?.Invoke() ?? Task.CompletedTask;
        await daemon.Store.UntilAsync("SELECT NOT EXISTS (SELECT 1 FROM queue WHERE due = 0 AND state = 0)", TimeSpan.FromMinutes(5));
        var reading = meter.Read(mails);
        await other;
        return reading;
    }

    private static async Task<string> BeginAsync(LoadDaemon daemon, string action, string q)
    {
        var shown = await PostAsync(
            daemon,
            "/v1/messages/actions",
            new
            {
                action,
                q,
                preview = true,
            }
        );
        var begun = await PostAsync(daemon, "/v1/messages/actions", new { token = (string)shown["token"]! });
        return (string)begun["id"]!;
    }

    private static async Task<string> UndoAsync(LoadDaemon daemon, string id) =>
        (string)(await PostAsync(daemon, $"/v1/operations/{id}/undo", null))["id"]!;

    private static async Task EndAsync(LoadDaemon daemon, string id, int wanted)
    {
        while (true)
        {
            var now = await daemon.Process.GetAsync($"/v1/operations/{id}");
            if ((string)now["status"]! == "running")
            {
                await Task.Delay(50);
                continue;
            }

            if ((int)now["changed"]! != wanted)
                throw new InvalidOperationException($"Not all were changed: {now.ToJsonString()}");
            return;
        }
    }

    private static async Task<JsonNode> PostAsync(LoadDaemon daemon, string path, object? body)
    {
        using var answer = await daemon.Process.Http.PostAsync(path, body is null ? null : JsonContent.Create(body));
        return JsonNode.Parse(await answer.EnsureSuccessStatusCode().Content.ReadAsStringAsync())!;
    }
}
