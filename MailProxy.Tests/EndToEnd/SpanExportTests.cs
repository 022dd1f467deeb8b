using System.Net;
using System.Net.Http.Json;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>Spans of a daemon that is a process of its own, as a collector gets them; and mail, whatever the collector does.</summary>
[TestFixture]
[Platform("Linux")]
[Parallelizable(ParallelScope.Self)]
internal sealed class SpanExportTests
{
    private const string Trace = "0af7651916cd43dd8448eb211c80319c",
        Caller = "b7ad6b7169203331",
        Parent = $"00-{Trace}-{Caller}-01";

    private TempDirectory _directory = null!;
    private OtlpReceiver _collector = null!;
    private LoopbackFiles _web = null!;
    private ScriptedSmtpServer _smtp = null!;

    [SetUp]
    public async Task SetUp()
    {
        _directory = new();
        _collector = await OtlpReceiver.StartAsync();
        _web = await LoopbackFiles.StartAsync();
        _smtp = new();
    }

    [TearDown]
    public async Task TearDown()
    {
        await _smtp.DisposeAsync();
        await _web.DisposeAsync();
        await _collector.DisposeAsync();
        _directory.Dispose();
    }

    private async Task<DaemonProcess> StartAsync(params (string, string)[] settings)
    {
        var daemon = DaemonProcess.Start(
            Path.Combine(_directory, "data"),
            [("NETWORK__ALLOWED__0", "127.0.0.0/8"), ("TELEMETRY__OTLP__ENDPOINT", _collector.Url), .. settings]
        );
        await daemon.ListeningAsync();
        return daemon;
    }

    private async Task PutAsync(DaemonProcess daemon)
    {
        foreach (
            var (path, body) in new (string, object)[]
            {
                (
                    "accounts/real",
                    new
                    {
                        host = "127.0.0.1",
                        port = _smtp.Port,
                        security = "none",
                    }
                ),
                ("webhooks/hook", new { url = $"http://127.0.0.1:{_web.Port}/hook" }),
            }
        )
        {
            using var answer = await daemon.Http.PutAsJsonAsync("/v1/" + path, body);
            Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Created));
        }
    }

    private async Task PostAsync(DaemonProcess daemon, string id, string? parent, bool hasFile = false)
    {
        var file = new { filename = "f", source = $"http://127.0.0.1:{_web.Port}/file?signature=geheim" };
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/messages")
        {
            Content = JsonContent.Create(
                new
                {
                    id,
                    account = "real",
                    from = "sender.secret@example.com",
                    to = "ann.secret@Example.ORG",
                    subject = "subject.secret",
                    text = "text.secret",
                    attachments = hasFile ? new[] { file } : [],
                }
            ),
        };
        if (parent is not null)
            request.Headers.TryAddWithoutValidation("traceparent", parent);
        using var answer = await daemon.Http.SendAsync(request);
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Accepted));
    }

    private static async Task StopAsync(DaemonProcess daemon)
    {
        await daemon.SignalAsync("TERM");
        Assert.That(await daemon.ExitAsync(), Is.Zero, daemon.Output);
    }

    [Test]
    public async Task Mail_InATrace_HasASpanForEachStageAndAttempt()
    {
        _smtp.Say("DOT", "451 4.3.0 later");
        await using (var daemon = await StartAsync(("TELEMETRY__OTLP__HEADERS", "authorization=Bearer%20geheim")))
        {
            await PutAsync(daemon);
            await PostAsync(daemon, "m1", Parent, hasFile: true);
            await daemon.UntilAsync("m1", "deferred");
            using var retry = await daemon.Http.PostAsync("/v1/messages/m1/retry", null);
            Assert.That((int)retry.StatusCode, Is.EqualTo(200));
            await ToldAsync("m1");
            await StopAsync(daemon);
        }

        var spans = _collector.Spans;
        Assert.That(spans.Select(static one => one.TraceId), Is.All.EqualTo(Trace));
        var accept = spans.Single(static one => one.Name == "accept");
        var sends = spans.Where(static one => one.Name == "send").OrderBy(static one => one.Start).ToArray();
        var fetch = spans.Single(static one => one.Name == "fetch");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(accept.ParentId, Is.EqualTo(Caller));
            Assert.That(spans.Where(one => one != accept).Select(static one => one.ParentId), Is.All.EqualTo(accept.SpanId));
            foreach (var name in (string[])["persist", "queue", "resolve", "send", "report", "webhook"])
                Assert.That(spans.Count(one => one.Name == name), Is.GreaterThanOrEqualTo(1), name);
            Assert.That(spans.Select(static one => one.End >= one.Start), Is.All.True);
            Assert.That(spans.Select(static one => one.Source).Distinct(), Is.EqualTo(new[] { "MailProxy" }));
            Assert.That(spans[0].Resource["service.name"], Is.EqualTo("mailproxy"));
            Assert.That(_collector.Last, Is.EqualTo(("/v1/traces", "Bearer geheim", "application/x-protobuf")));

            Assert.That(sends.Select(static one => one.Attributes["mailproxy.result"]), Is.EqualTo(new[] { "deferred", "accepted" }));
            Assert.That(sends.Select(static one => one.Attributes["mailproxy.attempt"]), Is.EqualTo(new[] { 1L, 2L }));
            Assert.That(sends.Select(static one => one.Attributes["mailproxy.smtp.reply_code"]), Is.EqualTo(new[] { 451L, 250L }));
            Assert.That(sends[0].Attributes["mailproxy.smtp.enhanced_code"], Is.EqualTo("4.3.0"));
            Assert.That(sends.Select(static one => one.Status), Is.EqualTo(new[] { 2, 0 }), "error, unset");
            Assert.That(sends[0].Attributes["server.address"], Is.EqualTo("127.0.0.1"));
            Assert.That(sends[0].Attributes["server.port"], Is.EqualTo((long)_smtp.Port));
            Assert.That(sends[0].Attributes["mailproxy.recipient.domains"], Is.EqualTo("example.org"));
            Assert.That(fetch.Attributes["server.port"], Is.EqualTo((long)_web.Port));

            // What it asks others belongs to the spans of the asking.
            Assert.That(
                Hooks().Select(static one => one.Headers["traceparent"]),
                Is.SubsetOf(spans.Where(static one => one.Name == "webhook").Select(static one => $"00-{Trace}-{one.SpanId}-01"))
            );
            Assert.That(
                _web.Requests.Single(static one => one.Target.StartsWith("/file", StringComparison.Ordinal)).Headers["traceparent"],
                Is.EqualTo($"00-{Trace}-{fetch.SpanId}-01")
            );

            var text = string.Join('\n', spans.SelectMany(static one => one.Attributes).Select(static pair => $"{pair.Key}={pair.Value}"));
            Assert.That(text, Does.Not.Contain("secret").IgnoreCase.And.Not.Contain("geheim"));
        }
    }

    [Test]
    public async Task Restart_WithWaitingMail_ItsSpansBelongToTheTraceOfItsSubmission()
    {
        await using (var first = await StartAsync())
        {
            await PutAsync(first);
            using var suspended = await first.Http.PostAsync("/v1/dispatcher/suspend", null);
            await PostAsync(first, "m1", null);
            await StopAsync(first);
        }

        var accept = _collector.Spans.Single(static one => one.Name == "accept");
        await using (var second = await StartAsync())
        {
            using var activated = await second.Http.PostAsync("/v1/dispatcher/activate", null);
            await second.UntilAsync("m1", "sent");
            await StopAsync(second);
        }

        var send = _collector.Spans.Single(static one => one.Name == "send");
        Assert.That(accept.ParentId, Is.Empty, "it begins the trace");
        Assert.That((send.TraceId, send.ParentId), Is.EqualTo((accept.TraceId, accept.SpanId)));
    }

    [TestCase(null)]
    [TestCase($"00-{Trace}-{Caller}-00")]
    public async Task Mail_ThatIsNotSampled_HasNoSpans(string? parent)
    {
        await using (var daemon = await StartAsync(("TELEMETRY__SAMPLERATIO", "0")))
        {
            await PutAsync(daemon);
            await PostAsync(daemon, "m1", parent);
            await PostAsync(daemon, "m2", Parent);
            await ToldAsync("m1");
            await ToldAsync("m2");
            await StopAsync(daemon);
        }

        Assert.That(_collector.Spans.Select(static one => one.TraceId).Distinct(), Is.EqualTo(new[] { Trace }));
        Assert.That(
            _collector.Spans.Select(static one => one.Attributes.GetValueOrDefault("mailproxy.message.id", "")),
            Has.None.EqualTo("m1")
        );
        var told = Hooks().Where(static one => one.Body.Contains("\"m1\"", StringComparison.Ordinal)).ToArray();
        Assert.That(told.Select(static one => one.Headers.GetValueOrDefault("traceparent")), Is.All.EqualTo(parent), "as it was given");
    }

    [TestCase("down")]
    [TestCase("hangs")]
    [TestCase("garbage")]
    [TestCase("redirects")]
    public async Task Collector_ThatTakesNothing_HoldsUpNoMailAndNoStop(string trouble)
    {
        _collector.Answer = async context =>
        {
            context.Response.StatusCode = trouble == "redirects" ? 302 : 400;
            context.Response.Headers.Location = $"http://127.0.0.1:{_web.Port}/elsewhere";
            if (trouble == "hangs")
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted);
            else
                await context.Response.Body.WriteAsync(new byte[100_000]);
        };
        await using var daemon = await StartAsync(
            trouble == "down" ? [("TELEMETRY__OTLP__ENDPOINT", $"http://127.0.0.1:{FreePort.Take()}")] : []
        );
        await PutAsync(daemon);
        for (var n = 0; n < 20; n++)
            await PostAsync(daemon, $"m{n}", Parent);
        for (var n = 0; n < 20; n++)
            await daemon.UntilAsync($"m{n}", "sent");
        if (trouble == "hangs")
            await _collector.RequestAsync();
        else
            await daemon.PrintsAsync("Spans cannot be exported to");
        await StopAsync(daemon);
        Assert.That(_web.Requests.Select(static one => one.Target), Has.None.EqualTo("/elsewhere"));
        Assert.That(_smtp.Taken, Has.Count.EqualTo(20));
    }

    // That it was sent.
    private Task ToldAsync(string id) =>
        Eventually.BecomesAsync(
            () => Task.FromResult(Hooks()),
            all =>
                all.Exists(one =>
                    one.Body.Contains("message.sent", StringComparison.Ordinal) && one.Body.Contains($"\"{id}\"", StringComparison.Ordinal)
                )
        );

    private List<FileRequest> Hooks() => [.. _web.Requests.Where(static one => one.Target == "/hook")];
}
