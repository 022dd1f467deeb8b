using System.Net;
using System.Net.Http.Json;
using System.Text.RegularExpressions;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>What an operator reads who looks into the log because mail does not move: each trouble once, with date, message, account and
/// server, and nobody's address.</summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
internal sealed partial class LogTests
{
    private TempDirectory _directory = null!;
    private DaemonProcess _daemon = null!;

    [SetUp]
    public async Task Start()
    {
        _directory = new();
        _daemon = DaemonProcess.Start(_directory);
        await _daemon.ListeningAsync();
    }

    [TearDown]
    public async Task Stop()
    {
        await _daemon.DisposeAsync();
        _directory.Dispose();
    }

    [Test]
    public async Task Log_ADay_SaysEachThingOnce()
    {
        var closed = FreePort.Take();
        await SendAsync(
            HttpMethod.Put,
            "/v1/accounts/dead",
            new
            {
                host = "127.0.0.1",
                port = closed,
                security = "none",
            }
        );
        await SendAsync(HttpMethod.Put, "/v1/accounts/spare", new { sandbox = true });
        await SendAsync(HttpMethod.Post, "/v1/accounts/spare/pause");
        await SendAsync(HttpMethod.Post, "/v1/accounts/spare/resume");
        await SendAsync(HttpMethod.Post, "/v1/dispatcher/suspend");
        await SendAsync(HttpMethod.Post, "/v1/dispatcher/activate");
        await PostAsync("refused", "sandbox", "perm@example.com");
        await PostAsync("lost", "sandbox", "drop@example.com");
        await PostAsync("fine", "spare", "ann@example.com");
        for (var n = 0; n < 5; n++)
            await PostAsync($"waits-{n}", "dead", "ann@example.com");
        await _daemon.UntilAsync("refused", "failed");
        await _daemon.UntilAsync("lost", "deferred");
        await _daemon.UntilAsync("fine", "sent");
        await _daemon.PrintsAsync("is left alone until");
        await SendAsync(HttpMethod.Delete, "/v1/accounts/spare");
        await SendAsync(HttpMethod.Post, "/v1/dispatcher/run-now");
        await _daemon.SignalAsync("TERM");
        Assert.That(await _daemon.ExitAsync(), Is.Zero, _daemon.Output);

        var lines = _daemon.Output.Split('\n');
        using (Assert.EnterMultipleScope())
        {
            Assert.That(lines, Is.All.Match(Line().ToString()), "every line has its date, and no exception spreads over several");
            Assert.That(Count("goes through the account dead from now on, and no longer into the sandbox"), Is.EqualTo(1));
            Assert.That(Count("WRN MailProxy.Daemon.Api.OperatorLog: All sending was stopped by admin"), Is.EqualTo(1));
            Assert.That(Count("All sending goes on, by admin"), Is.EqualTo(1));
            Assert.That(Count("The account default/spare was stopped by admin"), Is.EqualTo(1));
            Assert.That(Count("The account default/spare goes on, by admin"), Is.EqualTo(1));
            Assert.That(Count("Message default/refused is failed by account sandbox (sandbox): 550 5.1.1"), Is.EqualTo(1));
            Assert.That(Count("Message default/lost by account sandbox (sandbox): the connection broke"), Is.EqualTo(1));
            Assert.That(Count($"Account default/dead (127.0.0.1:{closed}) is left alone until"), Is.EqualTo(1));
            Assert.That(_daemon.Output, Does.Not.Contain("There is mail of account").And.Not.Contain("null"));
            Assert.That(_daemon.Output, Does.Not.Contain("@example.com").And.Not.Contain("   at "));
        }
    }

    private int Count(string text) => _daemon.Output.Split('\n').Count(line => line.Contains(text, StringComparison.Ordinal));

    private async Task PostAsync(string id, string account, string to)
    {
        var message = new
        {
            id,
            account,
            from = "shop@example.com",
            to,
            text = "x",
        };
        using var answer = await _daemon.Http.PostAsJsonAsync("/v1/messages", message);
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Accepted), await answer.Content.ReadAsStringAsync());
    }

    private async Task SendAsync(HttpMethod method, string path, object? body = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : JsonContent.Create(body) };
        using var answer = await _daemon.Http.SendAsync(request);
        Assert.That(answer.IsSuccessStatusCode, $"{path}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
    }

    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (INF|WRN) \S+: \S")]
    private static partial Regex Line();
}
