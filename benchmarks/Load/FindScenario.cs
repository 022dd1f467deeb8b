using System.Diagnostics;
using System.Globalization;
using System.Text;
using MailProxy.Benchmarks.Support;

namespace MailProxy.Benchmarks.Load;

/// <summary>How long it takes to find and explain one mail among many that wait.</summary>
internal static class FindScenario
{
    private const int PerBatch = 1_000,
        Lanes = 4;

    private static readonly (string Name, string Sql)[] Questions =
    [
        ("address", "SELECT 'address=' || address FROM recipients WHERE message % {0} = 1"),
        ("id", "SELECT 'id=' || id FROM messages WHERE number % {0} = 2"),
        ("message_id", "SELECT 'message_id=' || message_id_header FROM messages WHERE number % {0} = 3"),
    ];

    private static readonly (string Name, string Sql)[] Searches =
    [
        ("to:", "SELECT 'to:' || address FROM recipients WHERE message % {0} = 4"),
        ("id:", "SELECT 'id:' || id FROM messages WHERE number % {0} = 5"),
        ("message_id:", "SELECT 'message_id:' || message_id_header FROM messages WHERE number % {0} = 6"),
        ("an address as a word", "SELECT address FROM recipients WHERE message % {0} = 7"),
        ("an id as a word", "SELECT id FROM messages WHERE number % {0} = 8"),
        ("status: and batch:", "SELECT 'status:queued batch:' || batch FROM messages WHERE number % {0} = 9 AND batch IS NOT NULL"),
        ("status:", "SELECT 'status:queued' FROM messages WHERE number % {0} = 10"),
    ];

    public static async Task<LoadSection> RunAsync(LoadBench bench)
    {
        var (messages, asked) = (bench.Options.Scale(1_000_000, 5_000), bench.Options.Scale(5_000, 100));
        using var sink = await SmtpSink.StartAsync();
        using var daemon = await bench.StartAsync(sink.Port);
        await daemon.SuspendAsync();
        await FillAsync(daemon, messages);
        var rows = new StringBuilder();
        var targets = new List<Target>();
        async Task MeasureAsync(string name, string sql, string what, Func<string, string> path, string sign)
        {
            var questions = daemon.Store.Texts(string.Format(CultureInfo.InvariantCulture, sql, messages / asked));
            var times = await AskAsync(daemon, questions.Select(path), sign);
            Console.WriteLine($"  {what} {name}: p50 {times.At(0.5):0.00} ms, p99 {times.At(0.99):0.00} ms");
            rows.Append(
                CultureInfo.InvariantCulture,
                $"| {what} `{name}` | {times.At(0.5):0.00} | {times.At(0.9):0.00} | {times.At(0.99):0.00} | {times.Max:0.00} |\n"
            );
            targets.Add(Target.Below($"{what} {name} at {messages:N0} messages, p99", 10, times.At(0.99), " ms"));
        }

        foreach (var (name, sql) in Questions)
            await MeasureAsync(name, sql, "where by", static one => $"/v1/where?{Escaped(one)}", "\"summary\"");
        foreach (var (name, sql) in Searches)
            await MeasureAsync(name, sql, "search by", static one => $"/v1/messages?limit=10&q={Uri.EscapeDataString(one)}", "\"id\"");

        return new(
            "find",
            "Find and explain one mail",
            $"""
            {messages:N0} messages of 200 bytes to as many addresses wait, half of them in {messages
                / PerBatch
                / 2:N0} batches, asked {asked:N0} times each way, one after the other, for messages from all over the queue. `GET /v1/where` explains the message, with its position in the lane; `GET /v1/messages?q=…` lists ten at most.

            | | p50 ms | p90 ms | p99 ms | max ms |
            |---|---|---|---|---|
            {rows.ToString().TrimEnd()}
            """,
            targets
        );
    }

    private static string Escaped(string question) =>
        question.Replace("<", "%3C", StringComparison.Ordinal).Replace(">", "%3E", StringComparison.Ordinal);

    private static async Task<Samples> AskAsync(LoadDaemon daemon, IEnumerable<string> paths, string sign)
    {
        var found = Encoding.ASCII.GetBytes(sign);
        using var lane = await HttpLane.ConnectAsync(daemon.Process.Base);
        var times = new List<double>();
        foreach (var path in paths)
        {
            var request = HttpLane.Question(path, DaemonProcess.Key);
            var begun = Stopwatch.GetTimestamp();
            var status = await lane.SendAsync(request);
            times.Add(Stopwatch.GetElapsedTime(begun).TotalMilliseconds);
            if (status != 200 || lane.Body.IndexOf(found) < 0)
                throw new InvalidOperationException($"{path} found nothing: {status}.");
        }

        return new(times);
    }

    private static async Task FillAsync(LoadDaemon daemon, int messages)
    {
        var batches = messages / PerBatch;
        await Task.WhenAll(
            Enumerable
                .Range(0, Lanes)
                .Select(lane =>
                    Task.Run(async () =>
                    {
                        for (var batch = lane; batch < batches; batch += Lanes)
                            await daemon.PostAsync(Batch(batch), "/v1/messages/batch", 1, 1);
                    })
                )
        );
    }

    private static byte[] Batch(int batch)
    {
        var text = TestMail.Text(200).Replace("\n", "\\n", StringComparison.Ordinal);
        var named = batch % 2 == 0 ? $",\"batch\":\"news-{batch}\"" : "";
        var mails = Enumerable
            .Range(batch * PerBatch, PerBatch)
            .Select(n =>
                $$"""{"account":"sink","from":"{{TestMail.From}}","to":"reader{{n}}@d{{n % 997}}.example.net","text":"{{text}}"{{named}}}"""
            );
        return Encoding.ASCII.GetBytes($$"""{"messages":[{{string.Join(',', mails)}}]}""");
    }
}
