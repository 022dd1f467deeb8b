using System.Diagnostics;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using MailProxy.Benchmarks.Support;
using MailProxy.Tests.Support;

namespace MailProxy.Benchmarks.Load;

/// <summary>
/// What a tenant's urgent mail takes while another tenant does its worst: posts to their answer, and to the sink's final reply.
/// </summary>
internal static class HostileScenario
{
    private const int Accounts = 50;

    public static async Task<LoadSection> RunAsync(LoadBench bench)
    {
        var rows = new List<(string Name, Samples Post, Samples Sent)>();
        (string, Func<LoadDaemon, HttpClient, List<IAsyncDisposable>, Task>)[] attacks =
        [
            ("nobody", static (_, _, _) => Task.CompletedTask),
            ("5 accounts at servers that never answer EHLO, 2,000 mails", TarpitsAsync),
            ("4 hosts that drip a byte every two seconds, 10,000 mails", DripsAsync),
            ("50 accounts with 20,000 urgent mails to a server that takes all", FloodAsync),
            (
                "the first three at once",
                static async (daemon, http, held) =>
                {
                    await DripsAsync(daemon, http, held);
                    await TarpitsAsync(daemon, http, held);
                    await FloodAsync(daemon, http, held);
                }
            ),
        ];

        foreach (var (name, attack) in attacks)
        {
            await using var sink = new TimingSink();
            using var daemon = await bench.StartAsync(
                sink.Port,
                new Dictionary<string, string> { ["MAILPROXY_NETWORK__ALLOWED__0"] = "127.0.0.0/8" }
            );
            using var mallory = await KeyAsync(daemon, "mallory");
            var held = new List<IAsyncDisposable>();
            try
            {
                await attack(daemon, mallory, held);
                var (post, sent) = await VictimAsync(daemon, sink, bench.Options.Scale(200, 50));
                rows.Add((name, new(post), new(sent)));
                Console.WriteLine(
                    $"  beside {name}: sent p50 {Samples.Number(rows[^1].Sent.Median)} ms, p99 {Samples.Number(rows[^1].Sent.At(0.99))} ms"
                );
            }
            finally
            {
                foreach (var server in held)
                    await server.DisposeAsync();
            }
        }

        static string Line((string Name, Samples Post, Samples Sent) row) =>
            $"| {row.Name} | {Samples.Number(row.Post.Median)} | {Samples.Number(row.Post.At(0.99))} | "
            + $"{Samples.Number(row.Sent.Median)} | {Samples.Number(row.Sent.At(0.99))} | {Samples.Number(row.Sent.Max)} |";
        return new(
            "hostile",
            "13. A neighbour's urgent mail beside a hostile tenant",
            $"""
            One urgent message of 2 KB every 50 ms from one tenant; the other has begun before and goes on.

            | beside (ms) | post p50 | p99 | sent p50 | p99 | max |
            |---|---|---|---|---|---|
            {string.Join('\n', rows.Select(Line))}
            """,
            [
                Target.Below("neighbour's posts p99", 50, rows.Skip(1).Max(static row => row.Post.At(0.99)), " ms"),
                Target.Below("neighbour's urgent mail, the slowest", 1000, rows.Skip(1).Max(static row => row.Sent.Max), " ms"),
            ]
        );
    }

    private static async Task<(List<double> Post, List<double> Sent)> VictimAsync(LoadDaemon daemon, TimingSink sink, int messages)
    {
        using var lane = await HttpLane.ConnectAsync(daemon.Process.Base);
        var (post, sent) = (new List<double>(), new List<Task<double>>());
        async Task<double> TakenAsync(string id, long begun)
        {
            var taken = await sink.TakenAsync($"default/{id}").WaitAsync(TimeSpan.FromSeconds(60));
            return Stopwatch.GetElapsedTime(begun, taken).TotalMilliseconds;
        }

        for (var n = 0; n < messages; n++)
        {
            await Task.Delay(50);
            var request = HttpLane.Request(
                "/v1/messages",
                TestMail.Single(1, 2_000, $",\"id\":\"v{n}\",\"priority\":\"immediate\""),
                DaemonProcess.Key
            );
            var begun = Stopwatch.GetTimestamp();
            sent.Add(TakenAsync($"v{n}", begun));
            if (await lane.SendAsync(request) is var status && status != 202)
                throw new InvalidOperationException($"Refused with {status}.");
            post.Add(Stopwatch.GetElapsedTime(begun).TotalMilliseconds);
        }

        return (post, [.. await Task.WhenAll(sent)]);
    }

    private static async Task TarpitsAsync(LoadDaemon daemon, HttpClient mallory, List<IAsyncDisposable> held)
    {
        var tarpit = new ScriptedSmtpServer(static heard =>
            heard.Verb == "CONNECT" ? new Said("220 tarpit ESMTP\r\n", SaidThen.Hang) : null
        )
        {
            KeepsRecord = false,
        };
        held.Add(tarpit);
        for (var i = 0; i < 5; i++)
            await PutAsync(mallory, $"tar{i}", tarpit.Port);
        await PostAsync(
            mallory,
            2_000,
            static i => new
            {
                account = $"tar{i % 5}",
                from = TestMail.From,
                to = "b@example.net",
                text = "x",
            }
        );
        await HoldsAsync(daemon, "attempts");
    }

    private static async Task DripsAsync(LoadDaemon daemon, HttpClient mallory, List<IAsyncDisposable> held)
    {
        var drips = Enumerable.Range(0, 4).Select(static _ => new DrippingServer()).ToArray();
        held.AddRange(drips);
        await PutAsync(mallory, "any", drips[0].Port);
        await PostAsync(
            mallory,
            10_000,
            i => new
            {
                account = "any",
                from = TestMail.From,
                to = "b@example.net",
                text = "x",
                attachments = new[] { new { filename = "f", source = $"http://127.0.0.1:{drips[i % 4].Port}/{i}" } },
            }
        );
        await HoldsAsync(daemon, "fetches");
    }

    private static async Task FloodAsync(LoadDaemon daemon, HttpClient mallory, List<IAsyncDisposable> held)
    {
        var sink = new TimingSink();
        held.Add(sink);
        for (var i = 0; i < Accounts; i++)
            await PutAsync(mallory, $"a{i}", sink.Port);
        await PostAsync(
            mallory,
            20_000,
            static i => new
            {
                account = $"a{i % Accounts}",
                from = TestMail.From,
                to = "b@example.net",
                text = "x",
                priority = "immediate",
            }
        );
    }

    private static async Task<HttpClient> KeyAsync(LoadDaemon daemon, string tenant)
    {
        await daemon.Process.PutAsync($"/v1/tenants/{tenant}", new { name = tenant });
        using var made = await daemon.Process.Http.PostAsJsonAsync(
            $"/v1/tenants/{tenant}/keys",
            new { name = "load", scopes = (string[])["send", "read", "manage"] }
        );
        var http = new HttpClient { BaseAddress = daemon.Process.Base };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue(
            "Bearer",
            (string)JsonNode.Parse(await made.Content.ReadAsStringAsync())!["key"]!
        );
        return http;
    }

    private static async Task PutAsync(HttpClient tenant, string account, int port)
    {
        using var answer = await tenant.PutAsJsonAsync(
            $"/v1/accounts/{account}",
            new
            {
                host = "127.0.0.1",
                port,
                security = "none",
                max_connections = 100,
            }
        );
        if (!answer.IsSuccessStatusCode)
            throw new InvalidOperationException(await answer.Content.ReadAsStringAsync());
    }

    private static async Task PostAsync(HttpClient tenant, int count, Func<int, object> message)
    {
        foreach (var page in Enumerable.Range(0, count).Chunk(1_000))
        {
            using var answer = await tenant.PostAsJsonAsync("/v1/messages/batch", new { messages = page.Select(message) });
            if (!answer.IsSuccessStatusCode)
                throw new InvalidOperationException(await answer.Content.ReadAsStringAsync());
        }
    }

    // Until it has all that it can get.
    private static async Task HoldsAsync(LoadDaemon daemon, string share)
    {
        for (var left = 600; ; left--)
        {
            var mine = (await daemon.Process.GetAsync("/v1/tenants/mallory"))["shares"]![share]!;
            if ((long)mine["held"]! >= (long)mine["allowed"]! * 9 / 10)
                return;
            if (left == 0)
                throw new InvalidOperationException($"It never had its share of {share}.");
            await Task.Delay(100);
        }
    }
}
