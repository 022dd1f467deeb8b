using System.Net;
using System.Net.Http.Json;
using System.Text;
using MailProxy.Tests.Support;
using Microsoft.Data.Sqlite;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>A stop is a stop, whatever HTTP has under way.</summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
internal sealed class ShutdownTests
{
    private const string Mail = """{"from":"a@example.com","to":"b@example.com","text":"x"}""";

    private static readonly string Head = $"Host: x\r\nAuthorization: Bearer {DaemonProcess.Key}\r\nContent-Type: application/json\r\n";

    // What is unfinished when the signal comes. The grace is longer than these tests have deadline, so that what they wait for is not its
    // end.
    private static readonly string[] Bodies =
    [
        $"POST /v1/messages HTTP/1.1\r\n{Head}Content-Length: {Mail.Length}\r\n\r\n{Mail[..20]}",
        $"POST /v1/messages HTTP/1.1\r\n{Head}Transfer-Encoding: chunked\r\n\r\n5\r\n{{\"fro\r\n",
        $"POST /v1/messages/batch HTTP/1.1\r\n{Head}Content-Length: 100\r\n\r\n{{",
        $"PUT /v1/accounts/x HTTP/1.1\r\n{Head}Content-Length: 100\r\n\r\n{{",
    ];

    private static readonly string[] Heads = ["G", "GET / HTTP/1.1\r\nHos", "POST /v1/messages HTTP/1.1\r\nHost: x\r\n"];

    [TestCaseSource(nameof(Bodies))]
    public async Task Sigterm_BodyThatIsNotWhole_IsAnsweredAndHoldsUpNothing(string request)
    {
        using var directory = new TempDirectory();
        await using var daemon = DaemonProcess.Start(directory, ("DRAIN__GRACESECONDS", "600"));
        await daemon.ListeningAsync();
        await using var client = await ConnectAsync(daemon, request);
        await daemon.SignalAsync("TERM");

        Assert.That(await client.RestAsync(), Does.StartWith("HTTP/1.1 503 ").And.Contain("\"stopping\"").And.Contain("Retry-After"));
        Assert.That(await daemon.ExitAsync(), Is.Zero, daemon.Output);
    }

    [Test]
    public async Task Sigterm_NdjsonUnderWay_TellsWhatWasCommittedAndThatTheRestWasNot()
    {
        using var directory = new TempDirectory();
        await using var daemon = DaemonProcess.Start(directory, ("DRAIN__GRACESECONDS", "600"), ("API__NDJSONCHUNKMESSAGES", "1"));
        await daemon.ListeningAsync();
        var line = """{"id":"first","from":"a@example.com","to":"b@example.com","text":"x"}""" + "\n{\"id\":";
        await using var client = await ConnectAsync(
            daemon,
            $"POST /v1/messages/batch HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {DaemonProcess.Key}\r\nContent-Type: "
                + $"application/x-ndjson\r\nContent-Length: 5000\r\n\r\n{line}"
        );
        await daemon.UntilAsync("first", "queued");
        await daemon.SignalAsync("TERM");

        var answer = await client.RestAsync();
        Assert.That(answer, Does.StartWith("HTTP/1.1 200 ").And.Contain("\"first\"").And.Contain("\"stopping\""));
        Assert.That(await daemon.ExitAsync(), Is.Zero, daemon.Output);
    }

    [TestCaseSource(nameof(Heads))]
    public async Task Sigterm_HeadThatIsNotWhole_IsCutAfterTheGrace(string request)
    {
        using var directory = new TempDirectory();
        await using var daemon = DaemonProcess.Start(directory, ("DRAIN__GRACESECONDS", "1"));
        await daemon.ListeningAsync();
        await using var client = await ConnectAsync(daemon, request);
        await daemon.SignalAsync("TERM");

        Assert.That(await daemon.ExitAsync(), Is.Zero, daemon.Output);
    }

    [TestCaseSource(nameof(Heads))]
    public async Task SecondSigterm_HeadThatIsNotWhole_EndsAtOnce(string request)
    {
        using var directory = new TempDirectory();
        await using var daemon = DaemonProcess.Start(directory, ("DRAIN__GRACESECONDS", "600"));
        await daemon.ListeningAsync();
        await using var client = await ConnectAsync(daemon, request);
        await daemon.SignalAsync("TERM");
        await daemon.PrintsAsync("Stopping: ");
        await daemon.SignalAsync("TERM");

        Assert.That(await daemon.ExitAsync(), Is.Zero, daemon.Output);
    }

    [Test]
    public async Task Sigterm_ReaderThatStopsReading_IsCutAfterTheGrace()
    {
        using var directory = new TempDirectory();
        await using var daemon = DaemonProcess.Start(directory, ("DRAIN__GRACESECONDS", "1"));
        await daemon.ListeningAsync();
        var text = new string('x', 8 << 20);
        using (
            var posted = await daemon.Http.PostAsJsonAsync(
                "/v1/messages",
                new
                {
                    id = "large",
                    from = "a@example.com",
                    to = "b@example.com",
                    text,
                    send_at = "2037-01-01T08:00:00Z",
                }
            )
        )
        {
            Assert.That(posted.StatusCode, Is.EqualTo(HttpStatusCode.Accepted));
        }

        await using var client = await ConnectAsync(daemon, $"GET /v1/messages/large/raw HTTP/1.1\r\n{Head}\r\n");
        await client.LineAsync(); // it has begun to answer
        await daemon.SignalAsync("TERM");

        Assert.That(await daemon.ExitAsync(), Is.Zero, daemon.Output);
    }

    [Test]
    public async Task Sigterm_MailThatWaitsForItsConnection_IsNotBegunWhileHttpIsWaitedFor()
    {
        using var directory = new TempDirectory();
        await using var server = new ScriptedSmtpServer().Say("DOT", ScriptedSmtpServer.Hang);
        await using var daemon = DaemonProcess.Start(directory, ("DRAIN__GRACESECONDS", "2"), ("DRAIN__REPLYSECONDS", "2"));
        await daemon.ListeningAsync();
        using (
            var put = await daemon.Http.PutAsJsonAsync(
                "/v1/accounts/one",
                new
                {
                    host = "127.0.0.1",
                    port = server.Port,
                    security = "none",
                    max_connections = 1,
                }
            )
        )
            put.EnsureSuccessStatusCode();
        for (var number = 0; number < 20; number++)
        {
            using var posted = await daemon.Http.PostAsJsonAsync(
                "/v1/messages",
                new
                {
                    id = $"m{number}",
                    account = "one",
                    from = "a@example.com",
                    to = "b@example.com",
                    text = "x",
                }
            );
            Assert.That(posted.StatusCode, Is.EqualTo(HttpStatusCode.Accepted));
        }

        await server.Seen("DOT");
        await using var client = await ConnectAsync(daemon, "GET / HTTP/1.1\r\nHos");
        await daemon.SignalAsync("TERM");
        Assert.That(await daemon.ExitAsync(), Is.Zero, daemon.Output);

        Assert.That(
            server.Journal.Count(line => line.Contains(" MAIL ", StringComparison.Ordinal)),
            Is.EqualTo(1),
            string.Join('\n', server.Journal)
        );
        Assert.That(IsClean(directory), Is.True, "no mark is left of the one that was answered for, nor of those that were marked ahead");
    }

    [Test]
    public async Task Sigterm_MailThatCameMeanwhile_IsRefusedAndSentByNobody()
    {
        using var directory = new TempDirectory();
        await using var daemon = DaemonProcess.Start(directory, ("DRAIN__GRACESECONDS", "2"));
        await daemon.ListeningAsync();
        await using var open = await ConnectAsync(
            daemon,
            $"POST /v1/messages HTTP/1.1\r\n{Head}Content-Length: {Mail.Length}\r\n\r\n{Mail[..^1]}"
        );
        await daemon.SignalAsync("TERM");
        await daemon.PrintsAsync("Stopping: ");
        await open.SendAsync("}");

        Assert.That(await open.RestAsync(), Does.StartWith("HTTP/1.1 503 "));
        Assert.That(await daemon.ExitAsync(), Is.Zero, daemon.Output);
    }

    [TestCase("HUP")]
    [TestCase("INT")]
    [TestCase("QUIT")]
    public async Task OtherSignals_StopLikeSigterm(string signal)
    {
        using var directory = new TempDirectory();

        // Whoever runs the tests may ignore the signal (nohup, a background job), and children inherit that.
        await using var daemon = DaemonProcess.Start(["env", "--default-signal=" + signal], directory);
        await daemon.ListeningAsync();
        await daemon.SignalAsync(signal);

        Assert.That(await daemon.ExitAsync(), Is.Zero, daemon.Output);
        Assert.That(daemon.Output, Does.Contain("Stopped; waiting mail is on disk"));
    }

    private static async Task<RawClient> ConnectAsync(DaemonProcess daemon, string request)
    {
        var address = daemon.Http.BaseAddress!;
        var client = await RawClient.ConnectAsync(new IPEndPoint(IPAddress.Loopback, address.Port));
        await client.SendAsync(Encoding.UTF8.GetBytes(request));

        // Kestrel has it by then: a connection that came later was answered.
        Assert.That(await daemon.StatusAsync("/health/live"), Is.EqualTo(HttpStatusCode.OK));
        return client;
    }

    private static bool IsClean(string directory)
    {
        var file = new SqliteConnectionStringBuilder { DataSource = Path.Combine(directory, "mailproxy.db"), Pooling = false };
        using var connection = new SqliteConnection(file.ToString());
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT clean FROM flight";
        return command.ExecuteScalar() is 1L;
    }
}
