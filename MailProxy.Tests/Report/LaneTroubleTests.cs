using System.Net;
using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Report;
using MailProxy.Pipeline.Storage;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Report;

/// <summary>
/// Whatever befalls one endpoint is its own: it is told, backs off, and goes on; the others are not delayed, and the reporter does not end.
/// </summary>
public sealed class LaneTroubleTests : ReporterFixture
{
    private static readonly object[][] Stored =
    [
        ["http://xn--\u0378/", null!],
        ["http://" + "ü.", null!],
        ["http://a.example:0/", null!],
        ["http://[::1%25eth0]/", null!],
        ["http://\u202e.example/", null!],
        ["nonsense", null!],
        ["", null!],
        [null!, new SourceAuth.Header("Expires", "x")],
        [null!, new SourceAuth.Header("Allow", "x")],
        [null!, new SourceAuth.Header("Content-Location", "x")],
        [null!, new SourceAuth.Header("a b", "x")],
        [null!, new SourceAuth.Header("X-Key", "ü\r\nX: y")],
        [null!, new SourceAuth.Bearer("a\nb")],
    ];

    [TestCaseSource(nameof(Stored))]
    public async Task StoredByAnEarlierVersion_FailsAlone(string? url, SourceAuth? auth)
    {
        await Log.PutEndpointAsync(Endpoint() with { Id = "bad", Url = url ?? Hook.Url, Auth = auth }, "test");
        await StartAsync(Endpoint());

        Log.Add("m1", 1);
        await AcknowledgedAsync(1);
        await Log.UntilAsync(log => log.ProgressOf("bad").Failures == 1);

        Assert.That(Log.ProgressOf("bad").LastError, Is.Not.Empty.And.Not.Contain("inner exception"));
        Assert.That(Hook.Hits, Has.Count.EqualTo(1), "nothing was sent with what cannot be sent");
    }

    [Test]
    public async Task ClientThrowsWhatNobodyForesaw_FailsAloneAndRecovers([ValueSource(nameof(Faults))] Exception fault)
    {
        var failing = true;
        using var handler = new Answering(request => failing ? throw fault : new HttpResponseMessage(HttpStatusCode.NoContent));
        using var http = new HttpMessageInvoker(handler);
        await StartAsync(Endpoint(), http);
        Log.Add("m1", 1);
        await FailuresAsync(1);
        Assert.That(Log.ProgressOf("w1").LastError, Is.Not.Empty);

        failing = false;
        Clock.Advance(TimeSpan.FromSeconds(6));

        await AcknowledgedAsync(1);
    }

    [Test]
    public async Task LogThrowsUnexpectedly_TheLaneIsTold_TheOtherGoesOn([ValueSource(nameof(Faults))] Exception fault)
    {
        var log = new PoisonedLog(Log, "acme", fault);
        await Log.PutEndpointAsync(Endpoint() with { Tenant = "acme", Id = "bad" }, "test");
        await Log.PutEndpointAsync(Endpoint(), "test");
        using var http = new HttpMessageInvoker(new Answering(_ => new HttpResponseMessage(HttpStatusCode.OK)));
        using var stop = new CancellationTokenSource();
        var reporter = new WebhookReporter(
            log,
            http,
            new(),
            Metrics,
            Clock,
            () => 0.5,
            Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance
        );
        var running = reporter.RunAsync(stop.Token);

        Log.Add("m1", 1);
        await Log.AppendAsync("acme", EventType.AccountCircuitOpened, null, null, 0);
        await Log.UntilAsync(known => known.ProgressOf("w1").Acknowledged >= 1);
        await Log.UntilAsync(known => known.ProgressOf("bad").Failures == 1);
        Assert.That(Log.ProgressOf("bad").LastError, Does.Contain("failed unexpectedly"));

        // It begins anew by itself, and what was poisoned is gone. Nobody tells when the lane has begun to wait, so the clock goes on.
        log.Healed = true;
        await Eventually.BecomesAsync(
            () =>
            {
                Clock.Advance(TimeSpan.FromSeconds(6));
                return Task.FromResult(Log.ProgressOf("bad"));
            },
            static progress => progress is { Acknowledged: 2, Failures: 0 }
        );
        await stop.CancelAsync();
        await running.WaitAsync(Deadline);
    }

    private static IEnumerable<Exception> Faults() => Support.Faults.All;

    private sealed class Answering(Func<HttpRequestMessage, HttpResponseMessage> answer) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromResult(answer(request));
    }

    /// <summary>The log whose events of one tenant cannot be read.</summary>
    private sealed class PoisonedLog(MemoryDeliveryLog inner, string tenant, Exception fault) : IDeliveryLog
    {
        public bool Healed { get; set; }

        public long Last => inner.Last;

        public Task<(IReadOnlyList<MailEvent> Events, long Through)> ReadAsync(string of, long after, int limit) =>
            of == tenant && !Healed ? throw fault : inner.ReadAsync(of, after, limit);

        public Task WaitBeyondAsync(long position, CancellationToken cancel) => inner.WaitBeyondAsync(position, cancel);

        public Task WaitBeyondAsync(string of, long position, CancellationToken cancel) => inner.WaitBeyondAsync(of, position, cancel);

        public Task<IReadOnlyList<MailEvent>> AtAsync(string of, IReadOnlyCollection<long> positions) => inner.AtAsync(of, positions);

        public Task<long> FloorAsync(string of) => inner.FloorAsync(of);

        public Task AppendAsync(string of, EventType type, AccountKey? account, byte[]? detail, long at) =>
            inner.AppendAsync(of, type, account, detail, at);

        public Task<IReadOnlyList<WebhookEndpoint>> EndpointsAsync() => inner.EndpointsAsync();

        public Task<EndpointProgress?> ProgressAsync(string of, string id) => inner.ProgressAsync(of, id);

        public Task SaveProgressAsync(WebhookEndpoint endpoint, EndpointProgress progress) => inner.SaveProgressAsync(endpoint, progress);

        public Task<bool> ReplayAsync(string of, string id, long from, long to, string actor) => inner.ReplayAsync(of, id, from, to, actor);

        public Task<EndpointBacklog> BacklogAsync(WebhookEndpoint endpoint) => inner.BacklogAsync(endpoint);
    }
}
