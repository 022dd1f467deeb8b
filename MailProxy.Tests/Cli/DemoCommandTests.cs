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
        _daemon.MapGet("/v1/messages", List);
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
        Assert.That(_messages, Has.Count.EqualTo(1100));
        var printed = _printed.ToString();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(printed, Does.Match(@"sent +1078\b"));
            Assert.That(printed, Does.Match(@"failed +11\b"));
            Assert.That(printed, Does.Match(@"deferred +11\b"));
            Assert.That(printed, Does.Match(@"rate +[\d,]+ messages/s"));
            Assert.That(printed, Does.Match(@"latency +[\d,]+ ms p50, [\d,]+ ms p99"));
            Assert.That(printed, Does.Contain("1100 of 1100"));
            Assert.That(printed, Does.Not.Contain('\u001b'), "no terminal, no escape sequences");
        }
    }

    [Test]
    public async Task Run_OnATerminal_ShowsBarsAndTheNumbers()
    {
        Assert.That(await RunAsync(200, terminal: true), Is.Zero, _printed.ToString());
        Assert.That(_printed.ToString(), Does.Contain('━').And.Contain("100%").And.Match(@"sent +196\b"));
    }

    [Test]
    public async Task Run_DaemonShedsLoad_PostsAgain()
    {
        _refuse = 1;
        Assert.That(await RunAsync(10), Is.Zero, _printed.ToString());
        Assert.That(_messages, Has.Count.EqualTo(10));
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
        return new DemoCommand(console, TimeProvider.System)
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
        _messages[message.GetProperty("id").GetString()!] = (
            status,
            message.GetProperty("batch").GetString()!,
            TimeProvider.System.GetUtcNow()
        );
        await Results.Accepted(value: new { id = message.GetProperty("id").GetString(), status = "queued" }).ExecuteAsync(context);
    }

    // The cursor is the last id of the page, as the daemon's is a position: an offset would tell a mail twice while others come in.
    private IResult List(string batch, int limit, string? cursor)
    {
        var page = _messages
            .Where(message => message.Value.Batch == batch && string.CompareOrdinal(message.Key, cursor) > 0)
            .OrderBy(message => message.Key, StringComparer.Ordinal)
            .Take(limit)
            .Select(message => new { id = message.Key, status = message.Value.Status })
            .ToList();
        return Results.Ok(new { data = page, next_cursor = page.Count == limit ? page[^1].id : null });
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
