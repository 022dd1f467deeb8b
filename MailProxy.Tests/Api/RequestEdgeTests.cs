using System.Net.Sockets;
using System.Text;
using MailProxy.Pipeline.Disk;
using Microsoft.Extensions.Logging;
using NUnit.Framework;

namespace MailProxy.Tests.Api;

[TestFixture]
public sealed class RequestEdgeTests
{
    [Test]
    public async Task UnknownRoute_404WithBody()
    {
        await using var host = await ApiHost.StartAsync();
        foreach (var path in (string[])["/v1/nothing", "/v1", "/elsewhere", "/v1/messages/a/b/c"])
        {
            using var answer = await host.SendAsync("GET", path);
            await answer.ProblemAsync(404, "unknown_route");
        }
    }

    [Test]
    public async Task UnknownRoute_NoKey_SaysNothingOfV1()
    {
        await using var host = await ApiHost.StartAsync();
        using var bare = host.NewClient(null);
        using var within = await bare.GetAsync("/v1/nothing");
        await within.ProblemAsync(401, "unauthorized");
        using var outside = await bare.GetAsync("/favicon.ico");
        await outside.ProblemAsync(404, "unknown_route");
    }

    [Test]
    public async Task WrongMethod_405WithAllow()
    {
        await using var host = await ApiHost.StartAsync();
        using var answer = await host.SendAsync("PATCH", "/v1/messages");
        await answer.ProblemAsync(405, "method_not_allowed");
        Assert.That(answer.Content.Headers.Allow, Is.EquivalentTo(new[] { "GET", "POST" }));
    }

    [TestCase("/")]
    [TestCase("/health/live")]
    [TestCase("/health/ready")]
    [TestCase("/metrics")]
    [TestCase("/openapi/v1.json")]
    public async Task PublicRoute_NoKey_HeadIsLikeGetAndOtherMethodsAre405(string path)
    {
        await using var host = await ApiHost.StartAsync(new() { OnKestrel = true });
        using var bare = host.NewClient(null);
        using var get = await bare.GetAsync(path);
        using var head = await bare.SendAsync(new(HttpMethod.Head, path));
        Assert.That(
            ((int)get.StatusCode, (int)head.StatusCode, (await head.Content.ReadAsByteArrayAsync()).Length),
            Is.EqualTo((200, 200, 0))
        );
        Assert.That(head.Content.Headers.ContentType, Is.EqualTo(get.Content.Headers.ContentType));
        foreach (var method in (string[])["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
        {
            using var answer = await bare.SendAsync(new(new(method), path));
            await answer.ProblemAsync(405, "method_not_allowed");
            Assert.That(answer.Content.Headers.Allow, Is.EquivalentTo(new[] { "GET", "HEAD" }), method);
        }
    }

    [Test]
    public async Task WrongMethod_NoKey_401WithoutAllow()
    {
        await using var host = await ApiHost.StartAsync();
        using var bare = host.NewClient(null);
        using var answer = await bare.SendAsync(new(HttpMethod.Patch, "/v1/messages"));
        await answer.ProblemAsync(401, "unauthorized");
    }

    [Test]
    public async Task Json_AnyAnswer_EndsWithALineBreak()
    {
        await using var host = await ApiHost.StartAsync(new() { OnKestrel = true });
        await host.AddAsync(
            new()
            {
                Key = default,
                Version = 1,
                Tenant = "default",
                Id = "main",
                Host = "smtp.example",
                Port = 25,
            }
        );
        foreach (
            var path in (string[])
                [
                    "/",
                    "/health/live",
                    "/openapi/v1.json",
                    "/v1/messages",
                    "/v1/messages/nosuch",
                    "/v1/accounts",
                    "/v1/accounts/main",
                    "/v1/status",
                    "/nosuch",
                ]
        )
        {
            using var answer = await host.SendAsync("GET", path);
            var text = await answer.Content.ReadAsStringAsync();
            Assert.That(text, Does.EndWith("}\n"), path);
        }
    }

    [TestCase("text/plain", "application/json or application/x-ndjson", "text/plain")]
    [TestCase("application/json; charset=latin1", "application/json", "latin1")]
    public async Task ContentType_NotTaken_415SaysWhichIs(string type, string taken, string given)
    {
        await using var host = await ApiHost.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/messages") { Content = new ByteArrayContent("{}"u8.ToArray()) };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", type);
        using var answer = await host.Client.SendAsync(request);
        var problem = await answer.ProblemAsync(415, "unsupported_media_type");
        Assert.That(problem.GetProperty("detail").GetString(), Does.Contain(taken).And.Contain(given));
    }

    [Test]
    public async Task ContentEncoding_Any_415SaysSo()
    {
        await using var host = await ApiHost.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Put, "/v1/accounts/a") { Content = new ByteArrayContent("{}"u8.ToArray()) };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", "application/json");
        request.Content.Headers.TryAddWithoutValidation("Content-Encoding", "gzip");
        using var answer = await host.Client.SendAsync(request);
        Assert.That(
            (await answer.ProblemAsync(415, "unsupported_media_type")).GetProperty("detail").GetString(),
            Does.Contain("gzip").And.Contain("uncompressed")
        );
    }

    [Test]
    public async Task RequestId_Given_ComesBack()
    {
        await using var host = await ApiHost.StartAsync();
        using var answer = await host.SendAsync("GET", "/health/live", headers: ("X-Request-Id", "trace-7.a:b_c"));
        Assert.That(answer.Headers.GetValues("X-Request-Id").Single(), Is.EqualTo("trace-7.a:b_c"));
    }

    [TestCase("with space")]
    [TestCase("<script>")]
    [TestCase("")]
    public async Task RequestId_Unfit_OneIsMade(string id)
    {
        await using var host = await ApiHost.StartAsync();
        using var answer = await host.SendAsync("GET", "/health/live", headers: ("X-Request-Id", id));
        Assert.That(answer.Headers.GetValues("X-Request-Id").Single(), Is.Not.Empty.And.Not.EqualTo(id));
    }

    [Test]
    public async Task Exception_500WithoutItsWordsAndLogged()
    {
        await using var host = await ApiHost.StartAsync();
        host.Queries.Fault = new InvalidOperationException("the secret inner works");
        using var answer = await host.SendAsync("GET", "/v1/messages/m", headers: ("X-Request-Id", "trace-500"));
        var problem = await answer.ProblemAsync(500, "internal_error");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(problem.ToString(), Does.Not.Contain("secret inner works"));
            Assert.That(
                host.Logged.Lines,
                Has.Some.Matches<(LogLevel Level, string Text)>(l =>
                    l.Level == LogLevel.Error && l.Text.Contains("trace-500") && l.Text.Contains("the secret inner works")
                )
            );
        }
    }

    [Test]
    public async Task StoreUnavailable_503WithRetryAfter()
    {
        await using var host = await ApiHost.StartAsync();
        host.Queries.Fault = new StoreUnavailableException("locked");
        using var answer = await host.SendAsync("GET", "/v1/messages");
        await answer.ProblemAsync(503, "store_unavailable");
        Assert.That(answer.Headers.RetryAfter?.Delta, Is.GreaterThan(TimeSpan.Zero));
    }

    [Test]
    public async Task Kestrel_RequestThatIsNoHttp_400AndTheNextOneWorks()
    {
        await using var host = await ApiHost.StartAsync(new() { OnKestrel = true });
        Assert.That(await RawAsync(host, "NONSENSE\r\n\r\n"), Does.StartWith("HTTP/1.1 400"));
        using var answer = await host.SendAsync("GET", "/health/live");
        Assert.That((int)answer.StatusCode, Is.EqualTo(200));
    }

    [Test]
    public async Task Kestrel_BrokenChunk_400WithBody()
    {
        await using var host = await ApiHost.StartAsync(new() { OnKestrel = true });
        var answer = await RawAsync(
            host,
            $"POST /v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ApiHost.Key}\r\nContent-Type: "
                + "application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\n"
        );
        Assert.That(
            answer,
            Does.StartWith("HTTP/1.1 400")
                .And.Contain("application/problem+json")
                .And.Contain("\"code\":\"malformed\"")
                .And.Contain("X-Request-Id")
        );
    }

    [Test]
    public async Task Kestrel_ConnectionBreaksInTheBody_NothingSubmitted()
    {
        await using var host = await ApiHost.StartAsync(new() { OnKestrel = true, Behind = null });
        using (var socket = new TcpClient("127.0.0.1", host.Address.Port))
        {
            socket.LingerState = new LingerOption(true, 0);
            await socket
                .GetStream()
                .WriteAsync(
                    Encoding.ASCII.GetBytes(
                        $"POST /v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ApiHost.Key}\r\nContent-Type: "
                            + $"application/json\r\nContent-Length: 100\r\n\r\n{{\"from\":"
                    )
                );
        }

        var next = host.SendAsync("POST", "/v1/messages", """{"id":"whole","from":"a@x.example","to":"b@x.example","text":"t"}""");
        var submission = await host.Ingest.Reader.ReadAsync().AsTask().WaitAsync(ApiHost.Deadline);
        Assert.That(submission.Drafts.Single().Mail!.Id, Is.EqualTo("whole"));
        ApiHost.StoreAll(submission);
        using var answer = await next;
        Assert.That(host.Logged.Lines.Where(l => l.Level >= LogLevel.Error), Is.Empty);
    }

    private static async Task<string> RawAsync(ApiHost host, string request)
    {
        using var socket = new TcpClient("127.0.0.1", host.Address.Port);
        await using var stream = socket.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(request));
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync().WaitAsync(ApiHost.Deadline);
    }
}
