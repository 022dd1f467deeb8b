using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>A process that has little memory, or few files: the worst requests are refused, and it lives.</summary>
[Parallelizable(ParallelScope.Self)]
internal sealed class ScarceProcessTests
{
    private const string Heap = "0x10000000"; // 256 MB

    private static readonly HttpStatusCode[] Bearable =
    [
        HttpStatusCode.OK,
        HttpStatusCode.Accepted,
        HttpStatusCode.RequestEntityTooLarge,
        HttpStatusCode.UnprocessableEntity,
        HttpStatusCode.TooManyRequests,
        HttpStatusCode.InternalServerError,
        HttpStatusCode.ServiceUnavailable,
    ];

    private static readonly object Small = new
    {
        from = "a@example.com",
        to = "b@example.org",
        text = "x",
    };

    [Test]
    public async Task LittleMemory_TheWorstRequests_AreRefusedAndTheDaemonLives()
    {
        using var data = new TempDirectory();
        await using var daemon = DaemonProcess.Start(data, ("$DOTNET_GCHeapHardLimit", Heap));
        await daemon.ListeningAsync();
        var wrong = new List<string>();
        async Task TryAsync(string path, byte[] body, string type = "application/json")
        {
            try
            {
                using var content = new ByteArrayContent(body);
                content.Headers.ContentType = new(type);
                using var answer = await daemon.Http.PostAsync(path, content);
                if (Bearable.Contains(answer.StatusCode))
                    return;
                lock (wrong)
                    wrong.Add($"{path}: {(int)answer.StatusCode}");
            }
            catch (HttpRequestException error) when (error.InnerException is IOException or SocketException)
            {
                // It answered and closed while the body was still coming; what counts is that it serves the next.
            }
        }

        var text = Mail(45_000_000);
        var five = Mail(5_000_000);
        var defaults = $$"""{"from":"a@example.com","to":"b@example.org","text":"{{new string('A', 1_000_000)}}"}""";
        var merged = Encoding.UTF8.GetBytes(
            $$"""{"defaults":{{defaults}},"messages":[{{string.Join(',', Enumerable.Repeat("{}", 45))}}]}"""
        );
        var lines = Encoding.UTF8.GetBytes(string.Join('\n', Enumerable.Repeat(Encoding.UTF8.GetString(Mail(3_000_000)), 12)));
        var crowded = $$"""{"from":"a@x","text":"","to":[{{string.Join(',', Enumerable.Repeat("\"b@x\"", 9_000))}}]}""";
        var addresses = Encoding.UTF8.GetBytes($$"""{"messages":[{{string.Join(',', Enumerable.Repeat(crowded, 500))}}]}""");
        for (var round = 0; round < 2; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => TryAsync("/v1/messages", five)));
            await Task.WhenAll(TryAsync("/v1/messages", text), TryAsync("/v1/messages", text));
            await Task.WhenAll(TryAsync("/v1/messages/batch", merged), TryAsync("/v1/messages/batch", merged));
            await Task.WhenAll(TryAsync("/v1/messages", lines, "application/x-ndjson"), TryAsync("/v1/messages/batch", addresses));
        }

        Assert.That(wrong, Is.Empty);
        Assert.That(daemon.HasExited, Is.False, () => daemon.Output);
        using (var live = await daemon.Http.GetAsync("/health/live"))
            Assert.That(live.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        using (var answer = await daemon.Http.PostAsJsonAsync("/v1/messages", Small))
            Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Accepted));
        await daemon.SignalAsync("TERM");
        Assert.That(await daemon.ExitAsync(), Is.Zero, daemon.Output);
    }

    [Test]
    public async Task FewFiles_MoreIdleConnectionsThanFiles_TheNextRequestIsServed()
    {
        using var data = new TempDirectory();
        await using var daemon = DaemonProcess.Start(["prlimit", "--nofile=1024:1024"], data);
        await daemon.ListeningAsync();
        var idle = new List<TcpClient>();
        try
        {
            for (var i = 0; i < 1_100; i++)
            {
                var client = new TcpClient();
                idle.Add(client);
                await client.ConnectAsync(daemon.Http.BaseAddress!.Host, daemon.Http.BaseAddress.Port);
            }

            for (var i = 0; i < 20; i++)
            {
                using var http = new HttpClient { BaseAddress = daemon.Http.BaseAddress };
                http.DefaultRequestHeaders.Authorization = daemon.Http.DefaultRequestHeaders.Authorization;
                using var answer = await http.PostAsJsonAsync("/v1/messages", Small);
                Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Accepted));
            }
        }
        finally
        {
            foreach (var client in idle)
                client.Dispose();
        }

        await daemon.SignalAsync("TERM");
        Assert.That(await daemon.ExitAsync(), Is.Zero, daemon.Output);
    }

    private static byte[] Mail(int bytes) =>
        Encoding.UTF8.GetBytes($"{{\"from\":\"a@example.com\",\"to\":\"b@example.org\",\"text\":\"{new string('x', bytes)}\"}}");
}
