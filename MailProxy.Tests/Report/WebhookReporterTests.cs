using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Network;
using MailProxy.Pipeline.Report;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Telemetry;
using MailProxy.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using NUnit.Framework;
using Prometheus;

namespace MailProxy.Tests.Report;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class WebhookReporterTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly string Secret = WebhookSignature.NewSecret();

    private readonly MemoryDeliveryLog _log = new();
    private readonly FakeTimeProvider _clock = new(DateTimeOffset.FromUnixTimeSeconds(1_700_000_000));
    private readonly PipelineMetrics _metrics = new(Metrics.NewCustomRegistry());
    private readonly HttpMessageInvoker _http = new Dialer(new(new() { Allowed = ["127.0.0.0/8"] })).HttpClient();
    private CancellationTokenSource _stop = null!;
    private LoopbackWebhook _hook = null!;
    private WebhookReporter _reporter = null!;
    private Task _running = Task.CompletedTask;

    [SetUp]
    public async Task SetUp()
    {
        _stop = new();
        _hook = await LoopbackWebhook.StartAsync();
    }

    [TearDown]
    public async Task TearDown()
    {
        await StopAsync();
        _stop.Dispose();
        await _hook.DisposeAsync();
    }

    public void Dispose() => _http.Dispose();

    [Test]
    public async Task Event_Healthy_IsSignedAndAcknowledged()
    {
        await StartAsync(Endpoint());

        _log.Add("m1", 1);
        var hit = await _hook.NextAsync();
        await AcknowledgedAsync(1);

        Assert.Multiple(() =>
        {
            Assert.That(hit.Id, Is.EqualTo("evt_1"));
            Assert.That(hit.Timestamp, Is.EqualTo("1700000000"));
            Assert.That(hit.Signature, Is.EqualTo(SignatureOf(hit)));
            Assert.That(hit.ContentType, Is.EqualTo("application/json"));
            Assert.That(hit.Body, Is.EqualTo(EventJson.ToUtf8(_log.Events[0])));
            Assert.That(_metrics.Reports.WithLabels("default", "w1", "ok").Value, Is.EqualTo(1));
        });
    }

    [Test]
    public async Task Events_OfOneMessage_ArriveInOrderThoughManyAreInFlight()
    {
        for (var i = 0; i < 300; i++) _log.Add($"m{i % 20}", (i / 20) + 1);
        await StartAsync(Endpoint());

        var hits = await _hook.NextAsync(300);
        await AcknowledgedAsync(300);

        var events = hits.Select(hit => JsonDocument.Parse(hit.Body).RootElement).ToList();
        Assert.That(
            events.GroupBy(e => e.GetProperty("data").GetProperty("message_id").GetString(), e => e.GetProperty("sequence").GetInt32()),
            Has.Exactly(20).Items.And.All.EqualTo(Enumerable.Range(1, 15)));
    }

    [Test]
    public async Task Events_SlowEndpoint_HasAtMostEightInFlight()
    {
        var (open, most, all) = (0, 0, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        var gate = new Lock();
        _hook.Answer = async (_, _) =>
        {
            lock (gate)
            {
                most = Math.Max(most, ++open);
                if (most == 8) all.TrySetResult();
            }

            await all.Task;
            lock (gate) open--;
        };
        for (var i = 0; i < 100; i++) _log.Add($"m{i}", 1);
        await StartAsync(Endpoint());

        await _hook.NextAsync(100);
        await AcknowledgedAsync(100);

        Assert.That(most, Is.EqualTo(8));
    }

    [Test]
    public async Task Events_Batches_AreAcknowledgedWithFewWrites()
    {
        for (var i = 0; i < 200; i++) _log.Add("m", i + 1);
        await StartAsync(Endpoint() with { MaxBatch = 100 });

        var hits = await _hook.NextAsync(2);
        await AcknowledgedAsync(200);

        Assert.Multiple(() =>
        {
            Assert.That(hits.Select(hit => hit.Id), Is.EqualTo(new[] { "batch_1-100", "batch_101-200" }));
            Assert.That(hits.Select(hit => hit.Signature), Is.EqualTo(hits.Select(SignatureOf)));
            Assert.That(_log.Saves, Has.Count.LessThanOrEqualTo(3), "how the first is cut, its answer with how the second is cut, and that one's answer");
        });
    }

    [Test]
    public async Task Events_Unwanted_AreSkippedWithoutAWrite()
    {
        for (var i = 0; i < 50; i++) _log.Add($"m{i}", 1);
        _log.Add("m0", 2, EventType.MessageSent, MessageState.Sent);
        await StartAsync(Endpoint() with { FinalOnly = true });

        var hit = await _hook.NextAsync();
        await AcknowledgedAsync(51);

        Assert.Multiple(() =>
        {
            Assert.That(hit.Id, Is.EqualTo("evt_51"));
            Assert.That(_log.Saves, Has.Count.EqualTo(1));
        });
    }

    [Test]
    public async Task Failure_ThenSuccess_RetriesUnchangedAndBeginsAnew()
    {
        _hook.AnswerWith(500);
        _log.Add("m1", 1);
        await StartAsync(Endpoint());
        var first = await _hook.NextAsync();
        await FailuresAsync(1);

        _clock.Advance(TimeSpan.FromSeconds(5));
        var second = await _hook.NextAsync();
        await FailuresAsync(2);
        _hook.AnswerWith(204);
        _clock.Advance(TimeSpan.FromSeconds(30));
        var third = await _hook.NextAsync();
        await AcknowledgedAsync(1);

        Assert.Multiple(() =>
        {
            Assert.That(new[] { second.Id, third.Id }, Is.All.EqualTo(first.Id));
            Assert.That(new[] { second.Text, third.Text }, Is.All.EqualTo(first.Text));
            Assert.That(third.Signature, Is.EqualTo(SignatureOf(third)));
            Assert.That(long.Parse(third.Timestamp, CultureInfo.InvariantCulture), Is.EqualTo(1_700_000_035));
            Assert.That(_log.ProgressOf("w1"), Is.EqualTo(new EndpointProgress(1)));
        });
    }

    [Test]
    public async Task Failure_OfManyAtOnce_IsOneFailureAndOneProbe()
    {
        _hook.AnswerWith(503);
        for (var i = 0; i < 30; i++) _log.Add($"m{i}", 1);
        await StartAsync(Endpoint());
        var first = await _hook.NextAsync(8);
        await FailuresAsync(1);

        // All eight must have come back before there is a probe.
        _clock.Advance(TimeSpan.FromSeconds(5));
        var probe = await _hook.NextAsync();
        await FailuresAsync(2);

        Assert.Multiple(() =>
        {
            Assert.That(first, Has.Count.EqualTo(8));
            Assert.That(probe.Id, Is.EqualTo("evt_1"));
            Assert.That(_hook.Hits, Has.Count.EqualTo(9));
            Assert.That(_log.ProgressOf("w1").FailingSince, Is.EqualTo(1_700_000_000_000));
        });
    }

    [Test]
    public async Task RetryAfter_IsHonoured()
    {
        _hook.Answer = (_, context) =>
        {
            context.Response.StatusCode = 429;
            context.Response.Headers.RetryAfter = "100";
            return Task.CompletedTask;
        };
        _log.Add("m1", 1);
        await StartAsync(Endpoint());
        await _hook.NextAsync();
        await FailuresAsync(1);
        _hook.AnswerWith(200);

        _clock.Advance(TimeSpan.FromSeconds(99));
        _clock.Advance(TimeSpan.FromSeconds(1));
        var hit = await _hook.NextAsync();

        Assert.That(hit.Timestamp, Is.EqualTo("1700000100"));
    }

    [Test]
    public async Task Gone_DisablesAtOnceAndTells()
    {
        _hook.AnswerWith(410);
        _log.Add("m1", 1);
        await StartAsync(Endpoint());

        await _log.UntilAsync(log => log.ProgressOf("w1").DisabledAt is not null);

        var told = _log.Events.Single(e => e.Type == EventType.WebhookDisabled);
        Assert.Multiple(() =>
        {
            Assert.That(Encoding.UTF8.GetString(told.Detail.Span), Does.Contain("\"webhook\":\"w1\"").And.Contain("\"reason\":\"gone\""));
            Assert.That(_log.ProgressOf("w1").Acknowledged, Is.Zero);
            Assert.That(_hook.Hits, Has.Count.EqualTo(1));
        });
    }

    [Test]
    public async Task Failing_For75Hours_IsDisabledWithAnEvent()
    {
        _hook.AnswerWith(500);
        _log.Add("m1", 1);
        var began = _clock.GetUtcNow().ToUnixTimeMilliseconds();
        await StartAsync(Endpoint() with { Progress = new(0, began - (75 * 3_600_000L) + 3000, 40) });
        await FailuresAsync(41);

        _clock.Advance(TimeSpan.FromSeconds(3));
        await _log.UntilAsync(log => log.ProgressOf("w1").DisabledAt is not null);

        Assert.That(Encoding.UTF8.GetString(_log.Events.Single(e => e.Type == EventType.WebhookDisabled).Detail.Span), Does.Contain("\"reason\":\"failing\""));
    }

    [Test]
    public async Task Redirect_IsAFailureAndNotFollowed()
    {
        await using var other = await LoopbackWebhook.StartAsync();
        var target = other.Url;
        _hook.Answer = (_, context) =>
        {
            context.Response.Redirect(target, permanent: true);
            return Task.CompletedTask;
        };
        _log.Add("m1", 1);
        await StartAsync(Endpoint());

        await FailuresAsync(1);

        Assert.Multiple(() =>
        {
            Assert.That(_log.ProgressOf("w1").LastError, Does.Contain("301"));
            Assert.That(other.Hits, Is.Empty);
        });
    }

    [Test]
    public async Task Hanging_BesideAHealthyOne_DelaysOnlyItself()
    {
        await using var other = await LoopbackWebhook.StartAsync();
        _hook.Hang();
        await _log.PutEndpointAsync(Endpoint(), "test");
        await StartAsync(Endpoint() with { Id = "w2", Url = other.Url });
        for (var i = 0; i < 100; i++) _log.Add($"m{i}", 1);

        await other.NextAsync(100);
        await _log.UntilAsync(log => log.ProgressOf("w2").Acknowledged == 100);
        await _hook.NextAsync(8);
        _clock.Advance(TimeSpan.FromSeconds(15));
        await FailuresAsync(1);

        Assert.Multiple(() =>
        {
            Assert.That(_log.ProgressOf("w1").LastError, Does.Contain("15 s"));
            Assert.That(_log.ProgressOf("w1").Acknowledged, Is.Zero);
        });
    }

    [Test]
    public async Task Refused_ByTheNetworkPolicy_IsAFailure()
    {
        using var strict = new Dialer(new(new())).HttpClient();
        _log.Add("m1", 1);
        await StartAsync(Endpoint(), strict);

        await FailuresAsync(1);

        Assert.Multiple(() =>
        {
            Assert.That(_log.ProgressOf("w1").LastError, Does.Contain("not allowed"));
            Assert.That(_hook.Hits, Is.Empty);
        });
    }

    [Test]
    public async Task Answer_OfEndlessBytes_IsReadToTheCapOnly()
    {
        var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _hook.Answer = async (_, context) =>
        {
            var chunk = new byte[16 * 1024];
            try
            {
                while (true) await context.Response.Body.WriteAsync(chunk, context.RequestAborted);
            }
            catch (OperationCanceledException)
            {
                gone.TrySetResult();
            }
        };
        _log.Add("m1", 1);
        await StartAsync(Endpoint());

        await AcknowledgedAsync(1);

        await gone.Task.WaitAsync(Patience);
    }

    [Test]
    public async Task Stop_WhileOneHangs_LetsGoAtOnceAndTheNextStartSendsItAgain()
    {
        await StartAsync(Endpoint());
        _log.Add("m1", 1);
        await AcknowledgedAsync(1);
        _hook.Hang();
        _log.Add("m1", 2);
        await _hook.NextAsync(2);

        await StopAsync();
        _hook.AnswerWith(200);
        await StartAsync();
        var again = await _hook.NextAsync();
        await AcknowledgedAsync(2);

        Assert.That(again.Id, Is.EqualTo("evt_2"));
    }

    [Test]
    public async Task Refresh_EndpointPausedAndResumed_HoldsItsEvents()
    {
        await StartAsync(Endpoint());
        _log.Add("m1", 1);
        await AcknowledgedAsync(1);
        await _log.PutEndpointAsync(Endpoint() with { Paused = true }, "test");
        await RefreshAsync("w2");
        _log.Add("m1", 2);
        await RefreshAsync("w3");
        Assert.That(_hook.Hits.Count(hit => hit.Path == "/hook"), Is.EqualTo(1));

        await _log.PutEndpointAsync(Endpoint(), "test");
        _reporter.Refresh();
        await AcknowledgedAsync(2);

        Assert.That(_hook.Hits.Where(hit => hit.Path == "/hook").Select(hit => hit.Id), Is.EqualTo(new[] { "evt_1", "evt_2" }));
    }

    [Test]
    public async Task Refresh_AddressChanged_GoesOnThereFromWhereItWas()
    {
        await using var other = await LoopbackWebhook.StartAsync();
        await StartAsync(Endpoint());
        _log.Add("m1", 1);
        await AcknowledgedAsync(1);
        await _log.PutEndpointAsync(Endpoint() with { Url = other.Url }, "test");
        await RefreshAsync("w2");

        _log.Add("m1", 2);
        await AcknowledgedAsync(2);

        Assert.That(other.Hits.Select(hit => hit.Id), Is.EqualTo(new[] { "evt_2" }));
    }

    [Test]
    public async Task Measure_FailingEndpoint_ShowsHowFarBehindItIs()
    {
        _hook.AnswerWith(500);
        for (var i = 0; i < 3; i++) _log.Add("m1", i + 1, at: _clock.GetUtcNow().ToUnixTimeMilliseconds());
        await StartAsync(Endpoint());
        await FailuresAsync(1);
        _clock.Advance(TimeSpan.FromSeconds(2));

        _reporter.Measure();

        Assert.Multiple(() =>
        {
            Assert.That(_metrics.ReportBacklog.WithLabels("default", "w1").Value, Is.EqualTo(3));
            Assert.That(_metrics.ReportLag.WithLabels("default", "w1").Value, Is.EqualTo(2));
        });
    }

    private WebhookEndpoint Endpoint() => new("default", "w1", _hook.Url, Secret, [], FinalOnly: false, MaxBatch: 1, Paused: false, new(0));

    private async Task StartAsync(WebhookEndpoint? endpoint = null, HttpMessageInvoker? http = null)
    {
        if (endpoint is not null) await _log.PutEndpointAsync(endpoint, "test");
        _reporter = new(_log, http ?? _http, new(), _metrics, _clock, () => 0.5, NullLogger.Instance);
        _running = _reporter.RunAsync(_stop.Token);
    }

    private async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _running.WaitAsync(Patience);
        _stop.Dispose();
        _stop = new();
    }

    private Task AcknowledgedAsync(long position) => _log.UntilAsync(log => log.ProgressOf("w1").Acknowledged == position);

    private Task FailuresAsync(int count) => _log.UntilAsync(log => log.ProgressOf("w1").Failures == count);

    /// <summary>Proof that the reporter has looked: an endpoint that begins behind everything acknowledges its first event.</summary>
    private async Task RefreshAsync(string witness)
    {
        await _log.PutEndpointAsync(Endpoint() with { Id = witness, Url = _hook.Url.Replace("/hook", "/" + witness) }, "test");
        _reporter.Refresh();
        await _log.UntilAsync(log => log.ProgressOf(witness).Acknowledged > 0);
    }

    // Written without the code under test, as a receiver would.
    private static string SignatureOf(WebhookHit hit) => "v1," + Convert.ToBase64String(
        HMACSHA256.HashData(Convert.FromBase64String(Secret["whsec_".Length..]), Encoding.UTF8.GetBytes($"{hit.Id}.{hit.Timestamp}.").Concat(hit.Body).ToArray()));
}
