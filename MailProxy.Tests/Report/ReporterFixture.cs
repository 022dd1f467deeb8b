using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Network;
using MailProxy.Pipeline.Report;
using MailProxy.Pipeline.Telemetry;
using MailProxy.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using NUnit.Framework;

namespace MailProxy.Tests.Report;

/// <summary>A reporter over a log in memory, a clock that stands still, and a real endpoint for the webhook <c>w1</c>.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public abstract class ReporterFixture : IDisposable
{
    protected static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private readonly HttpMessageInvoker _http = new Dialer(new(new() { Allowed = ["127.0.0.0/8"] })).HttpClient();
    private CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;

    protected static string Secret { get; } = WebhookSignature.NewSecret();

    private protected MemoryDeliveryLog Log { get; } = new();

    private protected PipelineMetrics Metrics { get; } = new(Prometheus.Metrics.NewCustomRegistry());

    private protected LoopbackWebhook Hook { get; private set; } = null!;

    private protected WebhookReporter Reporter { get; private set; } = null!;

    protected FakeTimeProvider Clock { get; } = new(DateTimeOffset.FromUnixTimeSeconds(1_700_000_000));

    [SetUp]
    public async Task OpenHook() => Hook = await LoopbackWebhook.StartAsync();

    [TearDown]
    public async Task CloseHook()
    {
        await StopAsync();
        await Hook.DisposeAsync();
    }

    public void Dispose()
    {
        _http.Dispose();
        _stop.Dispose();
        GC.SuppressFinalize(this);
    }

    protected WebhookEndpoint Endpoint() =>
        new("default", "w1", Hook.Url, Secret, [], FinalOnly: false, MaxBatch: 1, Paused: false, new(0));

    /// <summary>Starts, also again after a stop; the endpoint is there already when none is given.</summary>
    protected async Task StartAsync(WebhookEndpoint? endpoint = null, HttpMessageInvoker? http = null)
    {
        if (endpoint is not null)
            await Log.PutEndpointAsync(endpoint, "test");
        Reporter = new(Log, http ?? _http, new(), Metrics, Clock, () => 0.5, NullLogger.Instance);
        _running = Reporter.RunAsync(_stop.Token);
    }

    protected async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _running.WaitAsync(Deadline);
        _stop.Dispose();
        _stop = new();
    }

    protected Task AcknowledgedAsync(long position) => Log.UntilAsync(log => log.ProgressOf("w1").Acknowledged == position);

    protected Task FailuresAsync(int count) => Log.UntilAsync(log => log.ProgressOf("w1").Failures == count);
}
