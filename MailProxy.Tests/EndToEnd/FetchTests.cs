using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using MailProxy.Daemon.Sandbox;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using MimeKit;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>When and how often attachments are fetched, through the whole daemon.</summary>
internal sealed class FetchTests : DaemonFixture
{
    private LoopbackFiles _web = null!;

    protected override (string Name, string Value)[] Settings => [("Network:Allowed:0", "127.0.0.1")];

    [SetUp]
    public async Task StartAsync() => _web = await LoopbackFiles.StartAsync();

    [TearDown]
    public ValueTask StopAsync() => _web.DisposeAsync();

    [Test]
    public async Task SlowSource_HoldsNeitherPermitNorNeighbour()
    {
        var sandbox = new SandboxMailbox(new());
        await using var server = new SandboxServer(sandbox, new(), TimeProvider.System, NullLogger.Instance);
        await _daemon.PutAccountAsync("narrow", (await server.StartAsync()).Port, new { per_hour = 2 });
        var (asked, go) = (Signal(), Signal());
        _web.Answer = async context =>
        {
            asked.TrySetResult();
            await go.Task;
            await context.Response.Body.WriteAsync(new byte[100]);
        };

        var slow = await PostAsync("narrow", "/slow");
        await asked.Task.WaitAsync(TestDaemon.Deadline);
        var plain = await _daemon.PostAsync(
            new
            {
                account = "narrow",
                from = "a@example.com",
                to = "b@example.com",
                text = "x",
            }
        );
        await _daemon.UntilAsync(plain, EventType.MessageSent);

        // Of two permits an hour the slow one holds none, so there is one left for it when its file is here.
        go.SetResult();
        await _daemon.UntilAsync(slow, EventType.MessageSent);
    }

    [Test]
    public async Task SourceDown_DefersWithoutAnAttemptAndIsTriedAgain()
    {
        var status = 503;
        _web.Answer = async context =>
        {
            context.Response.StatusCode = status;
            if (status == 200)
                await context.Response.Body.WriteAsync(new byte[10]);
        };

        var id = await PostAsync("sandbox", "/sometimes");
        await _daemon.UntilAsync(id, EventType.MessageDeferred);
        var waiting = await _daemon.GetAsync($"/v1/messages/{id}");
        Assert.That(((int)waiting["attempts"]!, (string)waiting["status"]!), Is.EqualTo((0, "deferred")));

        status = 200;
        Assert.That(
            await _daemon.SendAsync(HttpMethod.Post, $"/v1/messages/{id}/retry"),
            Is.EqualTo(HttpStatusCode.OK).Or.EqualTo(HttpStatusCode.Accepted)
        );
        await _daemon.UntilAsync(id, EventType.MessageSent);
    }

    [Test]
    public async Task WrongHash_FailsAtOnceAndNamesTheSource()
    {
        _web.Answer = async context => await context.Response.Body.WriteAsync(new byte[10]);
        var id = await _daemon.PostAsync(
            new
            {
                from = "a@example.com",
                to = "b@example.com",
                text = "x",
                attachments = new[]
                {
                    new
                    {
                        filename = "f",
                        source = Url("/wrong"),
                        sha256 = new string('0', 64),
                    },
                },
            }
        );
        await _daemon.UntilAsync(id, EventType.MessageFailed);

        var events = (await _daemon.GetAsync($"/v1/messages/{id}/events")).ToJsonString();
        Assert.That(events, Does.Contain("/wrong").And.Contain("5.6.0"));
    }

    [Test]
    public async Task ManyMails_WithTheSameSource_FetchItOnce()
    {
        var content = RandomNumberGenerator.GetBytes(1_000_000);
        _web.Answer = async context => await context.Response.Body.WriteAsync(content);
        await _daemon.SendAsync(HttpMethod.Post, "/v1/dispatcher/suspend");
        using (
            var posted = await _daemon.Http.PostAsJsonAsync(
                "/v1/messages/batch",
                new { messages = Enumerable.Range(0, 300).Select(n => Mail("sandbox", "/same", n)) }
            )
        )
            posted.EnsureSuccessStatusCode();
        await _daemon.SendAsync(HttpMethod.Post, "/v1/dispatcher/activate");
        await _daemon.EventsAsync(e => e.Type == EventType.MessageSent, 300);

        Assert.That(_web.Requests, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Cancelled_WhileItsFileIsOnTheWay_IsNotSent()
    {
        var (asked, go) = (Signal(), Signal());
        _web.Answer = async context =>
        {
            asked.TrySetResult();
            await go.Task;
            await context.Response.Body.WriteAsync(new byte[100]);
        };

        var id = await PostAsync("sandbox", "/late");
        await asked.Task.WaitAsync(TestDaemon.Deadline);
        Assert.That(
            await _daemon.SendAsync(HttpMethod.Post, $"/v1/messages/{id}/cancel"),
            Is.EqualTo(HttpStatusCode.OK).Or.EqualTo(HttpStatusCode.Accepted)
        );
        go.SetResult();

        // What is posted later goes later.
        var after = await PostAsync("sandbox", "/late");
        await _daemon.UntilAsync(after, EventType.MessageSent);
        Assert.That((string)(await _daemon.GetAsync($"/v1/messages/{id}"))["status"]!, Is.EqualTo("cancelled"));
        Assert.That((await _daemon.GetAsync("/v1/sandbox/messages"))["data"]!.AsArray(), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Killed_InTheMiddleOfAFetch_SendsItWholeAfterTheStart()
    {
        using var directory = new TempDirectory();
        var sandbox = new SandboxMailbox(new() { KeepBytes = 1L << 30 });
        await using var server = new SandboxServer(
            sandbox,
            new() { MaxMessageBytes = 100_000_000 },
            TimeProvider.System,
            NullLogger.Instance
        );
        var port = (await server.StartAsync()).Port;
        var content = RandomNumberGenerator.GetBytes(5_000_000);
        var (half, go) = (Signal(), Signal());
        _web.Answer = async context =>
        {
            context.Response.ContentLength = content.Length;
            await context.Response.Body.WriteAsync(content.AsMemory(0, content.Length / 2));
            await context.Response.Body.FlushAsync();
            half.TrySetResult();
            await go.Task;
            await context.Response.Body.WriteAsync(content.AsMemory(content.Length / 2), context.RequestAborted);
        };

        await using (var first = DaemonProcess.Start(directory, ("NETWORK__ALLOWED__0", "127.0.0.1")))
        {
            await first.ListeningAsync();
            using var put = await first.Http.PutAsJsonAsync(
                "/v1/accounts/relay",
                new
                {
                    host = "127.0.0.1",
                    port,
                    security = "none",
                }
            );
            using var posted = await first.Http.PostAsJsonAsync("/v1/messages", Mail("relay", "/half", 1));
            Assert.That((put.StatusCode, posted.StatusCode), Is.EqualTo((HttpStatusCode.Created, HttpStatusCode.Accepted)));
            await half.Task.WaitAsync(TestDaemon.Deadline);
            await first.SignalAsync("KILL");
            await first.ExitAsync();
        }

        go.SetResult();
        await using var second = DaemonProcess.Start(directory, ("NETWORK__ALLOWED__0", "127.0.0.1"));
        await second.ListeningAsync();
        await sandbox.ReachedAsync(1).WaitAsync(TestDaemon.Deadline);
        await second.SignalAsync("TERM");
        Assert.That(await second.ExitAsync(), Is.Zero, second.Output);

        using var raw = new MemoryStream(sandbox.Page(1).Single().Raw.ToArray());
        using var arrived = new MemoryStream();
        await ((MimePart)(await MimeMessage.LoadAsync(raw)).Attachments.Single()).Content!.DecodeToAsync(arrived);
        Assert.That(arrived.ToArray().AsSpan().SequenceEqual(content), Is.True);
        Assert.That(
            CacheFiles(directory).Select(static f => f.Length),
            Is.EqualTo([content.Length]),
            "one whole entry and no temporary file"
        );
    }

    private static FileInfo[] CacheFiles(string directory) =>
        new DirectoryInfo(Path.Combine(directory, "cache")).GetFiles("*", SearchOption.AllDirectories);

    private static TaskCompletionSource Signal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private string Url(string path) => $"http://127.0.0.1:{_web.Port}{path}";

    private object Mail(string account, string path, int n) =>
        new
        {
            account,
            from = "a@example.com",
            to = $"b{n}@example.com",
            text = "x",
            attachments = new[] { new { filename = "f.bin", source = Url(path) } },
        };

    private Task<string> PostAsync(string account, string path) => _daemon.PostAsync(Mail(account, path, 0));
}
