using System.Collections.Concurrent;
using System.Text.Json;
using MailProxy.Daemon.Cli;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;
using NUnit.Framework;
using Spectre.Console;

namespace MailProxy.Tests.Cli;

/// <summary>The demo against a daemon that keeps the contract and settles everything at once, or not.</summary>
[TestFixture]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class DemoCommandTests
{
    private readonly ConcurrentDictionary<string, (string Status, string Batch, DateTimeOffset At)> _messages = new();
    private readonly ConcurrentQueue<string> _order = new();
    private readonly StringWriter _printed = new();
    private WebApplication _daemon = null!;
    private Func<string, string> _settle = null!;
    private int _refuse;

    [SetUp]
    public async Task StartAsync()
    {
        _settle = to =>
            to.StartsWith("perm", StringComparison.Ordinal) ? "failed"
            : to.StartsWith("temp", StringComparison.Ordinal) ? "deferred"
            : "sent";
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        _daemon = builder.Build();
        _daemon.Urls.Add("http://127.0.0.1:0");
        _daemon.Use(
            (context, next) =>
            {
                if (context.Request.Headers.Authorization == "Bearer key")
                    return next();
                context.Response.StatusCode = 401;
                return Task.CompletedTask;
            }
        );
        _daemon.MapPost("/v1/messages", PostAsync);
        _daemon.MapGet("/v1/batches/{id}", Batch);
        _daemon.MapPost("/v1/dispatcher/{what}", Dispatch);
        _daemon.MapGet("/v1/messages/{id}/events", Events);
        await _daemon.StartAsync();
    }

    [TearDown]
    public async Task StopAsync()
    {
        await _daemon.DisposeAsync();
        await _printed.DisposeAsync();
    }

    [Test]
    public async Task Run_AllAsExpected_ZeroAndTheNumbers()
    {
        Assert.That(await RunAsync(1100), Is.Zero, _printed.ToString());
        var printed = _printed.ToString();
        var paced = _messages.Values.Count(static message => message.Batch.EndsWith("-paced", StringComparison.Ordinal));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                _messages.Values.Count(static message => message.Batch.EndsWith("-warm", StringComparison.Ordinal)),
                Is.EqualTo(200)
            );
            Assert.That(paced, Is.Positive);
            Assert.That(_messages, Has.Count.EqualTo(200 + 1100 + paced));
            var sent = _messages.Values.Count(static message =>
                message.Status == "sent" && !message.Batch.EndsWith("-warm", StringComparison.Ordinal)
            );
            Assert.That(printed, Does.Match($@"sent +{sent}\b"), "what was warmed up with is not counted");
            Assert.That(printed, Does.Match(@"failed +\d+ +\(perm@").And.Match(@"deferred +\d+ +\(temp@"));
            Assert.That(printed, Does.Match(@"accepts +[\d,]+ messages/s: 16 clients, a message a request, none sent\r?\n"));
            Assert.That(printed, Does.Match(@" [\d,]+ ms p50, [\d,]+ ms p99 from POST to 202 meanwhile\r?\n"));
            Assert.That(printed, Does.Match(@"sends +[\d,]+ messages/s: from a full queue, none posted\r?\n"));
            Assert.That(printed, Does.Match(@"one mail +[\d,]+ ms p50, [\d,]+ ms p99 from POST to 202\r?\n"));
            Assert.That(printed, Does.Match(@" [\d,]+ ms p50, [\d,]+ ms p99 from there to sent\r?\n +at [\d,]+ messages/s, which leaves"));
            Assert.That(printed, Does.Contain("warming up, not counted: 200").And.Contain("accepting, while nothing is sent: 1100"));
            Assert.That(printed, Does.Not.Contain('\u001b'), "no terminal, no escape sequences");
        }
    }

    [Test]
    public async Task Run_OfTheSecondPart_SuspendsSendingWhileItPosts()
    {
        Assert.That(await RunAsync(30), Is.Zero, _printed.ToString());
        Assert.That(
            _order.Where((step, n) => n == 0 || _order.ElementAt(n - 1) != step),
            Is.EqualTo(new[] { "post warm", "suspend", "post", "activate", "post paced" })
        );
    }

    [Test]
    public async Task Run_OnATerminal_ShowsBarsAndTheNumbers()
    {
        Assert.That(await RunAsync(200, terminal: true), Is.Zero, _printed.ToString());
        Assert.That(_printed.ToString(), Does.Contain('━').And.Contain("100%").And.Match(@"sent +\d+\b"));
    }

    [Test]
    public async Task Run_DaemonShedsLoad_PostsAgain()
    {
        _refuse = 1;
        Assert.That(await RunAsync(10), Is.Zero, _printed.ToString());
        Assert.That(_messages.Values.Count(static message => message.Batch.EndsWith("-warm", StringComparison.Ordinal)), Is.EqualTo(10));
    }

    [Test]
    public async Task Run_AMailFailedThatShouldNot_One()
    {
        _settle = _ => "failed";
        Assert.That(await RunAsync(10), Is.EqualTo(1));
        Assert.That(_printed.ToString(), Does.Contain("did not end as expected"));
    }

    [Test]
    public async Task Run_WrongKey_OneAndTheReason()
    {
        Assert.That(await RunAsync(10, "other"), Is.EqualTo(1));
        Assert.That(_printed.ToString(), Does.Contain("401"));
    }

    [Test]
    public async Task Run_InterruptedWhileItWatches_130()
    {
        using var interrupt = new CancellationTokenSource();
        _settle = to =>
        {
            if (to.StartsWith("reader9@", StringComparison.Ordinal))
                interrupt.Cancel();
            return "queued";
        };
        Assert.That(await RunAsync(10, stop: interrupt.Token), Is.EqualTo(130));
    }

    private Task<int> RunAsync(int messages, string key = "key", bool terminal = false, CancellationToken stop = default)
    {
        var console = AnsiConsole.Create(
            new AnsiConsoleSettings
            {
                Ansi = terminal ? AnsiSupport.Yes : AnsiSupport.No,
                Interactive = terminal ? InteractionSupport.Yes : InteractionSupport.No,
                Out = new Screen(_printed, terminal),
            }
        );
        return new DemoCommand(console, TimeProvider.System, mostPerSecond: 2000)
            .RunAsync(new Uri(_daemon.Urls.Single()), key, messages, stop)
            .WaitAsync(TimeSpan.FromSeconds(60), CancellationToken.None);
    }

    private async Task PostAsync(HttpContext context)
    {
        if (Interlocked.Decrement(ref _refuse) >= 0)
        {
            context.Response.Headers.RetryAfter = "0";
            context.Response.StatusCode = 503;
            return;
        }

        using var body = await JsonDocument.ParseAsync(context.Request.Body);
        var message = body.RootElement;
        var status = _settle(message.GetProperty("to").GetString()!);
        var part = message.GetProperty("batch").GetString()!.Split('-') is [_, _, var named] ? $"post {named}" : "post";
        _order.Enqueue(part);
        _messages[message.GetProperty("id").GetString()!] = (
            status,
            message.GetProperty("batch").GetString()!,
            TimeProvider.System.GetUtcNow()
        );
        await Results.Accepted(value: new { id = message.GetProperty("id").GetString(), status = "queued" }).ExecuteAsync(context);
    }

    private IResult Batch(string id)
    {
        var counts = _messages
            .Values.Where(message => message.Batch == id)
            .GroupBy(static message => message.Status)
            .ToDictionary(static state => state.Key, static state => state.Count());
        return Results.Ok(new { id, counts });
    }

    private IResult Dispatch(string what)
    {
        _order.Enqueue(what);
        return Results.Ok();
    }

    private IResult Events(string id) =>
        _messages.TryGetValue(id, out var message)
            ? Results.Ok(
                new
                {
                    data = new[]
                    {
                        new { type = "message.queued", timestamp = message.At },
                        new { type = $"message.{message.Status}", timestamp = message.At },
                    },
                }
            )
            : Results.NotFound();

    private sealed class Screen(TextWriter writer, bool terminal) : IAnsiConsoleOutput
    {
        public TextWriter Writer => writer;
        public bool IsTerminal => terminal;
        public int Width => 100;
        public int Height => 30;

        public void SetEncoding(System.Text.Encoding encoding)
        {
            // A string has none.
        }
    }
}
