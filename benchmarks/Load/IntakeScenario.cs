using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using MailProxy.Benchmarks.Support;

namespace MailProxy.Benchmarks.Load;

/// <summary>One tenant posts a small message each few milliseconds while another one attacks.</summary>
internal static class IntakeScenario
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);

    private static readonly string[] Lists =
    [
        "/v1/messages",
        "/v1/messages?status=failed",
        "/v1/messages?to=reader1%40example.net",
        "/v1/messages?status=queued",
        "/v1/messages?limit=500",
        "/v1/events",
    ];

    private static readonly (string Name, int Lanes, Func<Attack, int, Task> Run)[] Attacks =
    [
        ("nobody", 1, static (attack, _) => Task.Delay(Timeout.Infinite, attack.Over)),
        ("bodies declared and trickled", 4, TrickleAsync),
        ("defaults of 1 MB into 300 messages", 4, static (attack, _) => attack.RepeatAsync("/v1/messages/batch", Merged(300))),
        ("a million unknown members", 2, static (attack, _) => attack.RepeatAsync("/v1/messages", Members())),
        ("100,000 attachments", 2, static (attack, _) => attack.RepeatAsync("/v1/messages", Attachments())),
        ("batches of 1,000", 4, static (attack, _) => attack.RepeatAsync("/v1/messages/batch", Merged(1_000, 500))),
        ("1,500 long polls", 1, PollAsync),
        ("lists in a loop", 12, static (attack, lane) => attack.RepeatAsync(Lists[lane % Lists.Length], null)),
    ];

    public static async Task<LoadSection> RunAsync(LoadBench bench)
    {
        using var daemon = await bench.StartAsync(DaemonProcess.FreePort());
        await daemon.SuspendAsync();
        var (hog, victim) = (await TenantAsync(daemon, "hog"), await TenantAsync(daemon, "victim"));
        await daemon.FillAsync(bench.Options.Scale(100_000, 2_000), 200);
        var rows = new List<string>();
        var targets = new List<Target>();
        foreach (var (name, lanes, run) in Attacks)
        {
            using var over = new CancellationTokenSource();
            var attack = new Attack(daemon.Process.Base, hog, over.Token);
            var attacking = Enumerable.Range(0, lanes).Select(lane => Task.Run(() => run(attack, lane))).ToArray();
            var times = new Samples(await VictimAsync(daemon, victim, bench.Options.Scale(1_000, 50)));
            await over.CancelAsync();
            foreach (var one in attacking)
                await one.ContinueWith(static _ => { }, TaskScheduler.Default);
            rows.Add(
                $"| {name} | {lanes} | {Samples.Number(times.Median)} | {Samples.Number(times.At(0.99))} | "
                    + $"{Samples.Number(times.Max)} | {Memory(daemon.Process.Id):N0} |"
            );
            Console.WriteLine("  " + rows[^1]);
            targets.Add(Target.Below($"victim's posts p99 beside {name}", 50, times.At(0.99), " ms"));
        }

        return new(
            "intake",
            "14. A tenant beside one that attacks the intake",
            $"""
            The victim posts a message of 200 bytes, waits for its answer and {Pause.TotalMilliseconds} ms, and so on; the attacker does what it can over so many connections. Both run on the machine that is measured.

            | attack | connections | p50 ms | p99 ms | max ms | resident MB |
            |---|---|---|---|---|---|
            {string.Join('\n', rows)}
            """,
            targets
        );
    }

    private static async Task<List<double>> VictimAsync(LoadDaemon daemon, string key, int messages)
    {
        using var lane = await HttpLane.ConnectAsync(daemon.Process.Base);
        var request = HttpLane.Request("/v1/messages", TestMail.Single(1, 200), key);
        var times = new List<double>();
        for (var n = 0; n < messages; n++)
        {
            var begun = Stopwatch.GetTimestamp();
            var status = await lane.SendAsync(request);
            times.Add(Stopwatch.GetElapsedTime(begun).TotalMilliseconds);
            if (status != 202)
                throw new InvalidOperationException($"The victim was refused with {status}.");
            await Task.Delay(Pause);
        }

        return times;
    }

    private static async Task<string> TenantAsync(LoadDaemon daemon, string id)
    {
        await daemon.Process.PutAsync("/v1/tenants/" + id, new { name = id });
        using var made = await daemon.Process.Http.PostAsJsonAsync(
            $"/v1/tenants/{id}/keys",
            new { name = "k", scopes = (string[])["send", "read"] }
        );
        var key = (string)JsonNode.Parse(await made.EnsureSuccessStatusCode().Content.ReadAsStringAsync())!["key"]!;
        using var put = new HttpRequestMessage(HttpMethod.Put, "/v1/accounts/sink")
        {
            Content = JsonContent.Create(
                new
                {
                    host = "127.0.0.1",
                    port = 9,
                    security = "none",
                }
            ),
        };
        put.Headers.Add("X-Tenant", id);
        using var answer = await daemon.Process.Http.SendAsync(put);
        answer.EnsureSuccessStatusCode();
        return key;
    }

    private static async Task TrickleAsync(Attack attack, int lane)
    {
        while (!attack.Over.IsCancellationRequested)
        {
            using var socket = await attack.ConnectAsync();
            await socket.SendAsync(
                Encoding.ASCII.GetBytes(
                    $"POST /v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {attack.Key}\r\nContent-Type: "
                        + $"application/json\r\nContent-Length: {52_428_800 >> (lane % 2)}\r\n\r\n"
                )
            );
            try
            {
                for (var bytes = new byte[300]; ; await Task.Delay(500, attack.Over))
                    await socket.SendAsync(bytes);
            }
            catch (SocketException)
            {
                // It was cut, and comes again.
            }
        }
    }

    private static async Task PollAsync(Attack attack, int lane)
    {
        var sockets = new List<Socket>();
        var poll = Encoding.ASCII.GetBytes(
            $"GET /v1/events?after=now&wait=60 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {attack.Key}\r\n\r\n"
        );
        for (var i = 0; i < 1_500; i++)
        {
            sockets.Add(await attack.ConnectAsync());
            await sockets[i].SendAsync(poll);
        }

        await Task.Delay(Timeout.Infinite, attack.Over).ContinueWith(static _ => { }, TaskScheduler.Default);
        foreach (var socket in sockets)
            socket.Dispose();
    }

    private static byte[] Merged(int messages, int bytes = 1_000_000) =>
        Encoding.ASCII.GetBytes(
            $$"""{"defaults":{"account":"sink","from":"a@example.com","to":"b@example.net","text":"{{new string('A', bytes)}}"},"messages":[{{string.Join(',', Enumerable.Repeat("{}", messages))}}]}"""
        );

    private static byte[] Members() =>
        Encoding.ASCII.GetBytes($"{{{string.Join(',', Enumerable.Range(0, 1_000_000).Select(static i => $"\"u{i}\":0"))}}}");

    private static byte[] Attachments() =>
        TestMail.Single(
            1,
            100,
            $",\"attachments\":[{string.Join(',', Enumerable.Repeat("{\"filename\":\"a\",\"content\":\"\"}", 100_000))}]"
        );

    private static long Memory(int process)
    {
        using var found = Process.GetProcessById(process);
        return found.WorkingSet64 >> 20;
    }

    /// <summary>What the attacker has.</summary>
    private sealed record Attack(Uri Server, string Key, CancellationToken Over)
    {
        /// <summary>The same request without end, over one connection at a time. A body: it is posted.</summary>
        public async Task RepeatAsync(string path, byte[]? body)
        {
            var request = body is null
                ? Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {Key}\r\n\r\n")
                : HttpLane.Request(path, body, Key);
            while (!Over.IsCancellationRequested)
            {
                using var lane = await HttpLane.ConnectAsync(Server);
                try
                {
                    while (!Over.IsCancellationRequested)
                        await lane.SendAsync(request);
                }
                catch (Exception error) when (error is IOException or SocketException)
                {
                    // Refused before it had sent all: it comes again.
                }
            }
        }

        public async Task<Socket> ConnectAsync()
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(IPAddress.Loopback, Server.Port, Over);
            return socket;
        }
    }
}
