using System.Text.Json;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Network;
using MailProxy.Pipeline.Report;
using MailProxy.Pipeline.Storage;
using MailProxy.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using NUnit.Framework;
using Prometheus;

namespace MailProxy.Tests.Report;

/// <summary>One endpoint's lane: what its requests carry, and what comes again.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class WebhookLaneTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly string Secret = WebhookSignature.NewSecret();

    private readonly MemoryDeliveryLog _log = new();
    private readonly FakeTimeProvider _clock = new(DateTimeOffset.FromUnixTimeSeconds(1_700_000_000));
    private readonly HttpMessageInvoker _http = new Dialer(new(new() { Allowed = ["127.0.0.0/8"] })).HttpClient();
    private LoopbackWebhook _hook = null!;
    private WebhookReporter _reporter = null!;
    private CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;

    [SetUp]
    public async Task SetUp() => _hook = await LoopbackWebhook.StartAsync();

    [TearDown]
    public async Task TearDown()
    {
        await StopAsync();
        await _hook.DisposeAsync();
    }

    public void Dispose()
    {
        _http.Dispose();
        _stop.Dispose();
    }

    [Test]
    public async Task Event_WhileTwoSecretsHold_IsSignedWithBoth()
    {
        var old = WebhookSignature.NewSecret();
        var until = _clock.GetUtcNow().AddHours(1);
        await StartAsync(Endpoint() with { PreviousSecret = old, PreviousUntil = until.ToUnixTimeMilliseconds() });
        _log.Add("m1", 1);
        var during = await _hook.NextAsync();
        await AcknowledgedAsync(1);

        _clock.SetUtcNow(until);
        _log.Add("m1", 2);
        var after = await _hook.NextAsync();

        string By(string secret, WebhookHit hit) => WebhookSignature.Sign(WebhookSignature.Key(secret)!, hit.Id, long.Parse(hit.Timestamp), hit.Body);
        Assert.Multiple(() =>
        {
            Assert.That(during.Signature, Is.EqualTo(By(Secret, during) + " " + By(old, during)));
            Assert.That(after.Signature, Is.EqualTo(By(Secret, after)));
        });
    }

    [TestCase("basic", "Basic YW5uOnB3")]
    [TestCase("bearer", "Bearer t0ken")]
    [TestCase("header", "Token abc")]
    public async Task Event_WithCredentials_CarriesThem(string kind, string expected)
    {
        SourceAuth auth = kind switch
        {
            "basic" => new SourceAuth.Basic("ann", "pw"),
            "bearer" => new SourceAuth.Bearer("t0ken"),
            _ => new SourceAuth.Header("Authorization", "Token abc"),
        };
        await StartAsync(Endpoint() with { Auth = auth });
        _log.Add("m1", 1);

        Assert.That((await _hook.NextAsync()).Authorization, Is.EqualTo(expected));
    }

    [Test]
    public async Task Batch_TriedBeforeARestart_ComesAgainUnchangedUnderTheSameId()
    {
        _hook.AnswerWith(500);
        for (var i = 1; i <= 5; i++) _log.Add($"m{i}", 1);
        await StartAsync(Endpoint() with { MaxBatch = 100 });
        var tried = await _hook.NextAsync();
        await _log.UntilAsync(log => log.ProgressOf("w1").Failures == 1);
        await StopAsync();

        for (var i = 6; i <= 9; i++) _log.Add($"m{i}", 1);
        _hook.AnswerWith(200);
        _clock.Advance(TimeSpan.FromMinutes(1));
        await StartAsync();
        var again = await _hook.NextAsync();
        await AcknowledgedAsync(9);
        var rest = _hook.Hits.SkipWhile(hit => hit != again).Skip(1);

        Assert.Multiple(() =>
        {
            Assert.That((again.Id, again.Text), Is.EqualTo((tried.Id, tried.Text)));
            Assert.That(rest.SelectMany(EventsOf), Is.EquivalentTo(new[] { "evt_6", "evt_7", "evt_8", "evt_9" }));
            Assert.That(_log.ProgressOf("w1").Batches, Is.Null);
        });
    }

    [Test]
    public async Task Batch_WhoseCutCannotBeKept_DoesNotGoOut()
    {
        _log.SaveGate = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await StartAsync(Endpoint() with { MaxBatch = 100 });
        _log.Add("m1", 1);
        await _log.UntilAsync(log => log.Asked == 1);
        Assert.That(_hook.Hits, Is.Empty);

        _log.SaveGate.SetResult();
        Assert.That((await _hook.NextAsync()).Id, Is.EqualTo("batch_1-1"));
    }

    [Test]
    public async Task Replay_WhatWasAcknowledged_ComesOnceMoreUnderItsOwnIdsBesideWhatIsNew()
    {
        await StartAsync(Endpoint());
        for (var i = 1; i <= 4; i++) _log.Add($"m{i}", 1);
        await _hook.NextAsync(4);
        await AcknowledgedAsync(4);

        await _log.ReplayAsync("default", "w1", 0, long.MaxValue, "ann");
        _log.Add("m5", 1);
        _reporter.Refresh();
        var hits = await _hook.NextAsync(5);
        await _log.UntilAsync(log => log.ProgressOf("w1") is { Acknowledged: 5, Replay: null });

        Assert.That(hits.Select(hit => hit.Id), Is.EquivalentTo(new[] { "evt_1", "evt_2", "evt_3", "evt_4", "evt_5" }));
    }

    [Test]
    public async Task Replay_InterruptedByARestart_GoesOn()
    {
        await StartAsync(Endpoint());
        for (var i = 1; i <= 3; i++) _log.Add("m1", i);
        await _hook.NextAsync(3);
        await AcknowledgedAsync(3);
        _hook.Answer = (hit, context) =>
        {
            context.Response.StatusCode = hit.Id == "evt_1" ? 200 : 500;
            return Task.CompletedTask;
        };
        await _log.ReplayAsync("default", "w1", 0, long.MaxValue, "ann");
        _reporter.Refresh();
        await _log.UntilAsync(log => log.ProgressOf("w1") is { Failures: 1, Replay.Acknowledged: 1 });
        await _hook.NextAsync(2);
        await StopAsync();

        _hook.AnswerWith(200);
        _clock.Advance(TimeSpan.FromMinutes(1));
        await StartAsync();
        await _log.UntilAsync(log => log.ProgressOf("w1") is { Acknowledged: 3, Failures: 0, Replay: null });

        Assert.That((await _hook.NextAsync(2)).Select(hit => hit.Id), Is.EqualTo(new[] { "evt_2", "evt_3" }));
    }

    [Test]
    public async Task RunNow_WhileBackingOff_TriesAtOnceButOnlyTheTenantsOwn()
    {
        _hook.AnswerWith(500);
        _log.Add("m1", 1);
        await StartAsync(Endpoint());
        await _hook.NextAsync();
        await _log.UntilAsync(log => log.ProgressOf("w1").Failures == 1);
        _hook.AnswerWith(200);

        _reporter.RunNow("other");
        Assert.That(_hook.Hits, Has.Count.EqualTo(1));
        _reporter.RunNow("default");

        await _hook.NextAsync();
        await _log.UntilAsync(log => log.ProgressOf("w1") is { Acknowledged: 1, Failures: 0 });
    }

    private static IEnumerable<string?> EventsOf(WebhookHit batch) =>
        JsonDocument.Parse(batch.Body).RootElement.GetProperty("data").GetProperty("events").EnumerateArray().Select(e => e.GetProperty("id").GetString());

    private WebhookEndpoint Endpoint() => new("default", "w1", _hook.Url, Secret, [], FinalOnly: false, MaxBatch: 1, Paused: false, new(0));

    private Task AcknowledgedAsync(long position) => _log.UntilAsync(log => log.ProgressOf("w1").Acknowledged == position);

    private async Task StartAsync(WebhookEndpoint? endpoint = null)
    {
        if (endpoint is not null) await _log.PutEndpointAsync(endpoint, "test");
        _reporter = new(_log, _http, new(), new(Metrics.NewCustomRegistry()), _clock, () => 0.5, NullLogger.Instance);
        _running = _reporter.RunAsync(_stop.Token);
    }

    private async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _running.WaitAsync(Patience);
        _stop.Dispose();
        _stop = new();
    }
}
