using System.Text;
using MailProxy.Pipeline.Resolve;
using MailProxy.Tests.Support;
using Microsoft.AspNetCore.Http;
using NUnit.Framework;

namespace MailProxy.Tests.Resolve;

public sealed class HttpSourceTests
{
    private static readonly SourceAuth Secret = new SourceAuth.Basic("ann", "geheim:ü");

    private LoopbackFiles _server = null!;
    private SourceBench _bench = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _server = await LoopbackFiles.StartAsync();
        _bench = new(new() { MaxAttachmentBytes = 100_000 });
    }

    [TearDown]
    public async Task StopAsync()
    {
        _bench.Dispose();
        await _server.DisposeAsync();
    }

    private string Url(string path, string host = "files.example") => $"http://{host}:{_server.Port}{path}";

    private void AnswerText(string text) =>
        _server.Answer = context =>
        {
            context.Response.ContentLength = Encoding.UTF8.GetByteCount(text);
            return context.Response.WriteAsync(text);
        };

    [Test]
    public async Task Open_File_ComesWithItsLengthAndOneHonestRequest()
    {
        AnswerText("hello");

        await using var opened = await _bench.OpenAsync(Url("/a%20b/c.pdf?x=%2F&y"), Secret);

        var request = _server.Requests.Single();
        Assert.Multiple(() =>
        {
            Assert.That(opened.Length, Is.EqualTo(5));
            Assert.That(request.Target, Is.EqualTo("/a%20b/c.pdf?x=%2F&y"));
            Assert.That(request.Method, Is.EqualTo("GET"));
            Assert.That(request.Headers["Accept-Encoding"], Is.EqualTo("identity"));
            Assert.That(
                request.Headers["Authorization"],
                Is.EqualTo("Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes("ann:geheim:ü")))
            );
            Assert.That(request.Headers.Keys, Has.None.EqualTo("Cookie").And.None.EqualTo("traceparent"));
        });
        Assert.That(Encoding.UTF8.GetString(await SourceBench.AllAsync(opened)), Is.EqualTo("hello"));
    }

    [TestCase("bearer")]
    [TestCase("header")]
    public async Task Open_OtherCredentials_AreSentAsTheyAre(string kind)
    {
        await _bench.ReadAsync(Url("/"), kind == "bearer" ? new SourceAuth.Bearer("t0k") : new SourceAuth.Header("X-Api-Key", "k 1"));

        var headers = _server.Requests.Single().Headers;
        Assert.That(
            kind == "bearer" ? headers["Authorization"] : headers["X-Api-Key"],
            Is.EqualTo(kind == "bearer" ? "Bearer t0k" : "k 1")
        );
    }

    [TestCase(400, nameof(SourceFault.Refused))]
    [TestCase(401, nameof(SourceFault.Refused))]
    [TestCase(403, nameof(SourceFault.Refused))]
    [TestCase(404, nameof(SourceFault.Gone))]
    [TestCase(407, nameof(SourceFault.Refused))]
    [TestCase(408, nameof(SourceFault.Down))]
    [TestCase(410, nameof(SourceFault.Gone))]
    [TestCase(418, nameof(SourceFault.Refused))]
    [TestCase(425, nameof(SourceFault.Down))]
    [TestCase(429, nameof(SourceFault.Down))]
    [TestCase(500, nameof(SourceFault.Down))]
    [TestCase(502, nameof(SourceFault.Down))]
    [TestCase(503, nameof(SourceFault.Down))]
    [TestCase(204, nameof(SourceFault.Refused))]
    [TestCase(206, nameof(SourceFault.Refused))]
    [TestCase(304, nameof(SourceFault.Refused))]
    [TestCase(300, nameof(SourceFault.Refused))]
    public async Task Open_Status_SaysWhatIsToBeDone(int status, string expected)
    {
        _server.Answer = context =>
        {
            context.Response.StatusCode = status;
            if (status == 503)
                context.Response.Headers.RetryAfter = "7";
            return Task.CompletedTask;
        };

        var fault = await _bench.TryAsync(Url("/a?sig=geheim"), Secret);

        Assert.Multiple(() =>
        {
            Assert.That($"{fault?.Fault}", Is.EqualTo(expected));
            Assert.That(fault?.Message, Does.Contain("files.example").And.Contain($"{status}").And.Not.Contain("geheim"));
            Assert.That(fault?.RetryAfter, Is.EqualTo(status == 503 ? TimeSpan.FromSeconds(7) : (TimeSpan?)null));
        });
    }

    [Test]
    public async Task Open_CertificateOfNobody_IsDown() =>
        Assert.That(
            (await _bench.TryAsync($"https://files.example:{_server.TlsPort}/"))?.Message,
            Does.Contain("the certificate of files.example is for another name")
        );

    [TestCase("gzip", nameof(SourceFault.Refused))]
    [TestCase("br", nameof(SourceFault.Refused))]
    [TestCase("identity, gzip", nameof(SourceFault.Refused))]
    [TestCase("identity", null)]
    public async Task Open_ContentEncoding_OnlyIdentity(string encoding, string? expected)
    {
        _server.Answer = context =>
        {
            context.Response.Headers.ContentEncoding = encoding;
            return context.Response.WriteAsync("x");
        };

        Assert.That((await _bench.TryAsync(Url("/")))?.Fault.ToString(), Is.EqualTo(expected));
    }

    [Test]
    public void Open_DeclaredTooLarge_IsRefusedBeforeTheFirstByte()
    {
        _server.Answer = async context =>
        {
            context.Response.ContentLength = 100_001;
            await context.Response.Body.FlushAsync();
            await Hanging(context);
        };

        var fault = Assert.ThrowsAsync<SourceException>(() => _bench.OpenAsync(Url("/")))!;

        Assert.That((fault.Fault, fault.Status), Is.EqualTo((SourceFault.Refused, "5.3.4")));
    }

    [Test]
    public async Task Read_UndeclaredAndTooLarge_IsRefusedWhileItComes()
    {
        _server.Answer = async context =>
        {
            var block = new byte[10_000];
            for (var i = 0; i < 11; i++)
                await context.Response.Body.WriteAsync(block);
            await Hanging(context);
        };

        var fault = await _bench.TryAsync(Url("/"));

        Assert.That((fault?.Fault, fault?.Status), Is.EqualTo(((SourceFault?)SourceFault.Refused, "5.3.4")));
    }

    [Test]
    public async Task Read_ExactlyTheCap_Comes()
    {
        _server.Answer = context => context.Response.Body.WriteAsync(new byte[100_000]).AsTask();

        Assert.That(await _bench.ReadAsync(Url("/")), Has.Length.EqualTo(100_000));
    }

    [Test]
    public async Task Read_ConnectionBreaksOff_IsDown()
    {
        _server.Answer = async context =>
        {
            context.Response.ContentLength = 50_000;
            await context.Response.Body.WriteAsync(new byte[100]);
            await context.Response.Body.FlushAsync();
            context.Abort();
        };

        Assert.That((await _bench.TryAsync(Url("/")))?.Fault, Is.EqualTo(SourceFault.Down));
    }

    [Test]
    public async Task Open_NobodyListens_IsDown()
    {
        var fault = await _bench.TryAsync($"http://files.example:{FreePort.Take()}/a?sig=geheim");

        Assert.That(fault?.Fault, Is.EqualTo(SourceFault.Down));
        Assert.That(fault?.Message, Does.Contain("files.example").And.Not.Contain("geheim"));
    }

    [Test]
    public async Task Open_NeverAnswers_IsDownWhenItsTimeIsOver()
    {
        var clock = new Microsoft.Extensions.Time.Testing.FakeTimeProvider();
        using var bench = new SourceBench(new() { FirstByteTimeout = TimeSpan.FromSeconds(30) }, clock);
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _server.Answer = context =>
        {
            asked.TrySetResult();
            return Hanging(context);
        };

        var fault = bench.TryAsync(Url("/"));
        await asked.Task.WaitAsync(SourceBench.Deadline);
        Assert.That(fault.IsCompleted, Is.False);
        clock.Advance(TimeSpan.FromSeconds(30));

        Assert.That((await fault.WaitAsync(SourceBench.Deadline))?.Fault, Is.EqualTo(SourceFault.Down));
    }

    [Test]
    public async Task Open_Cancelled_SaysSo()
    {
        using var cancel = new CancellationTokenSource();
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _server.Answer = context =>
        {
            asked.TrySetResult();
            return Hanging(context);
        };

        var open = _bench.OpenAsync(Url("/"), null, cancel.Token);
        await asked.Task.WaitAsync(SourceBench.Deadline);
        await cancel.CancelAsync();

        Assert.CatchAsync<OperationCanceledException>(() => open);
    }

    [Test]
    public async Task Open_ProxyInTheEnvironment_IsNotUsed()
    {
        var before = Environment.GetEnvironmentVariable("http_proxy");
        await using var proxy = await LoopbackFiles.StartAsync();
        Environment.SetEnvironmentVariable("http_proxy", $"http://127.0.0.1:{proxy.Port}");
        try
        {
            using var bench = new SourceBench();
            await bench.ReadAsync(Url("/"));
        }
        finally
        {
            Environment.SetEnvironmentVariable("http_proxy", before);
        }

        Assert.That((_server.Requests.Count, proxy.Requests.Count), Is.EqualTo((1, 0)));
    }

    private static async Task Hanging(HttpContext context)
    {
        var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = context.RequestAborted.Register(() => gone.TrySetResult());
        await gone.Task;
    }
}
