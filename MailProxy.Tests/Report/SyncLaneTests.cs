using System.Text.Json.Nodes;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Network;
using MailProxy.Pipeline.Report;
using MailProxy.Pipeline.Storage;
using MailProxy.Tests.Support;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using NUnit.Framework;
using Prometheus;

namespace MailProxy.Tests.Report;

/// <summary>An endpoint of style sync over real HTTP, with a clock that stands still.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class SyncLaneTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

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
    public async Task Events_AreEntriesOfOneSignedReport_OthersNone()
    {
        _log.Add("m1", 1);
        _log.Add("m1", 2, EventType.MessageSent, MessageState.Sent, 12_000);
        _log.Add("m2", 1);
        _log.Add("m2", 2, EventType.MessageFailed, MessageState.Failed, 13_000);
        await StartAsync();
        var hit = await _hook.NextAsync();
        await _log.UntilAsync(log => log.ProgressOf("w1").Acknowledged == 4);

        Assert.Multiple(() =>
        {
            Assert.That(hit.Text, Is.EqualTo("""{"delivery_report":[{"tenant_id":"default","id":"m1","sent_ts":12},{"tenant_id":"default","id":"m2","error_ts":13,"error":"It could not be delivered."}]}"""));
            Assert.That(hit.Signature, Does.StartWith("v1,"));
        });
    }

    [Test]
    public async Task InError_ComesAgain_AlsoAfterARestart()
    {
        AnswerWith("""{"ok":true,"error":["m1"]}""");
        _log.Add("m1", 1, EventType.MessageSent, MessageState.Sent);
        _log.Add("m2", 1, EventType.MessageSent, MessageState.Sent);
        await StartAsync();
        await _hook.NextAsync();
        await _log.UntilAsync(log => log.ProgressOf("w1") is { Acknowledged: 2, Resends.Count: 1 });
        await StopAsync();

        AnswerWith("""{"ok":true}""");
        _clock.Advance(TimeSpan.FromSeconds(5));
        await StartAsync();
        var again = await _hook.NextAsync();
        await _log.UntilAsync(log => log.ProgressOf("w1").Resends.IsEmpty);
        Assert.That(Ids(again), Is.EqualTo(new[] { "m1" }));
    }

    [Test]
    public async Task Quiet_IsKeptToTheSecond_AlsoOverARestart()
    {
        AnswerWith("""{"ok":true,"next_sync_after":1700003600}""");
        await StartAsync();
        await _hook.NextAsync();
        await _log.UntilAsync(log => log.ProgressOf("w1").QuietUntil is not null);
        await StopAsync();
        _clock.SetUtcNow(DateTimeOffset.FromUnixTimeMilliseconds(1_700_003_599_999));
        await StartAsync();
        _log.Add("m1", 1, EventType.MessageSent, MessageState.Sent);
        var broken = await _hook.NextAsync();
        Assert.That(Ids(broken), Is.EqualTo(new[] { "m1" }), "the first call after the restart is the event's, and no empty one came before");

        await _log.UntilAsync(log => log.ProgressOf("w1").Acknowledged == 1);
        AnswerWith("{}");
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.That(Ids(await _hook.NextAsync()), Is.Empty);
    }

    [Test]
    public async Task RunNow_BreaksTheQuiet_OfTheTenantAlone()
    {
        AnswerWith("""{"next_sync_after":1700009999}""");
        await StartAsync();
        await _hook.NextAsync();
        await _log.UntilAsync(log => log.ProgressOf("w1").QuietUntil is not null);
        _reporter.RunNow("other");
        _reporter.RunNow("default");
        Assert.That(Ids(await _hook.NextAsync()), Is.Empty);
        Assert.That(_hook.Hits, Has.Count.EqualTo(2));
    }

    [Test]
    public async Task Queued_CallsAgainAtOnce()
    {
        AnswerWith("""{"queued":1}""");
        await StartAsync();
        var hits = await _hook.NextAsync(101);
        Assert.That(hits.Select(hit => hit.Timestamp).Distinct().Count(), Is.EqualTo(1), "the clock stood still");
    }

    [TestCase(500, "{}")]
    [TestCase(404, "{}")]
    public async Task Refused_AcknowledgesNothing_AndBacksOff(int status, string body)
    {
        AnswerWith(body, status);
        _log.Add("m1", 1, EventType.MessageSent, MessageState.Sent);
        await StartAsync();
        await _hook.NextAsync();
        await _log.UntilAsync(log => log.ProgressOf("w1") is { Failures: 1, Acknowledged: 0 });
        AnswerWith("not json");
        _clock.Advance(TimeSpan.FromSeconds(5));
        Assert.That(Ids(await _hook.NextAsync()), Is.EqualTo(new[] { "m1" }));
        await _log.UntilAsync(log => log.ProgressOf("w1") is { Failures: 0, Acknowledged: 1 });
    }

    [Test]
    public async Task Gone_DisablesWithAnEvent()
    {
        AnswerWith("", 410);
        await StartAsync();
        await _hook.NextAsync();
        await _log.UntilAsync(log => log.ProgressOf("w1").DisabledAt is not null);
        Assert.That(_log.Events.Last().Type, Is.EqualTo(EventType.WebhookDisabled));
    }

    [Test]
    public async Task Answer_TooLongToBeReadWhole_AcknowledgesNothing()
    {
        AnswerWith($$"""{"error":[{{string.Join(',', Enumerable.Repeat("\"m1\"", 200_000))}}]}""");
        _log.Add("m1", 1, EventType.MessageSent, MessageState.Sent);
        await StartAsync();
        await _hook.NextAsync();
        await _log.UntilAsync(log => log.ProgressOf("w1") is { Failures: 1, Acknowledged: 0 });
        Assert.That(_log.ProgressOf("w1").LastError, Does.Contain("longer than"));
    }

    private static string[] Ids(WebhookHit hit) => [.. JsonNode.Parse(hit.Text)!["delivery_report"]!.AsArray().Select(entry => (string)entry!["id"]!)];

    private void AnswerWith(string body, int status = 200) => _hook.Answer = async (_, context) =>
    {
        context.Response.StatusCode = status;
        await context.Response.WriteAsync(body);
    };

    private async Task StartAsync()
    {
        if (!_log.Knows("w1")) await _log.PutEndpointAsync(new("default", "w1", _hook.Url, WebhookSignature.NewSecret(), [], FinalOnly: false, MaxBatch: 100, Paused: false, new(0)) { Style = ReportStyle.Sync }, "test");
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
