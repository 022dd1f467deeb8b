using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Api;

/// <summary>
/// What is not HTTP, or only nearly: refused by its own status, never told as an error of ours, and the next request is served.
/// </summary>
[TestFixture]
public sealed class MalformedHttpTests
{
    private const string Json = "Content-Type: application/json";
    private const string Chunked = "Transfer-Encoding: chunked";

    private static string Post(string body, params string[] headers) =>
        RawHttp.Head("POST /v1/messages HTTP/1.1", ApiHost.Key, [Json, .. headers]) + body;

    private static IEnumerable<TestCaseData> Malformed()
    {
        TestCaseData Case(string name, string text, params int[] status) => new TestCaseData(text, status).SetArgDisplayNames(name);
        yield return Case("chunk size beyond 64 bits", Post("FFFFFFFFFFFFFFFF\r\n", Chunked), 400);
        yield return Case("chunk size of 20 digits", Post("FFFFFFFFFFFFFFFFFFFF\r\n", Chunked), 400);
        yield return Case("chunk size below zero", Post("-1\r\n", Chunked), 400);
        yield return Case("chunk size that is none", Post("zz\r\n{}\r\n0\r\n\r\n", Chunked), 400);
        yield return Case("chunk without its end", Post("2\r\n{}XX0\r\n\r\n", Chunked), 400);
        yield return Case("bad trailer", Post("2\r\n{}\r\n0\r\nno colon here\r\n\r\n", Chunked), 400);
        yield return Case("unknown transfer coding", Post("{}", "Transfer-Encoding: gzip"), 400, 501);
        yield return Case("two lengths", Post("{}", "Content-Length: 2", "Content-Length: 3"), 400);
        yield return Case("length below zero", Post("{}", "Content-Length: -2"), 400);
        yield return Case("length that is none", Post("{}", "Content-Length: two"), 400);
        yield return Case("length beyond 64 bits", Post("{}", "Content-Length: 99999999999999999999"), 400, 413);
        yield return Case("length beyond the limit", Post("{}", "Content-Length: 9999999999"), 413);
        yield return Case("no host", $"GET /health/live HTTP/1.1\r\n\r\n", 400);
        yield return Case("two hosts", "GET /health/live HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400);
        yield return Case("no such version", "GET / HTTP/9.9\r\nHost: x\r\n\r\n", 400, 505);
        yield return Case("nonsense", "\u0001\u0002\u0003\r\n\r\n", 400);
        yield return Case("NUL in the path", RawHttp.Head("GET /v1/messages/a%00b HTTP/1.1", ApiHost.Key), 400, 404);
        yield return Case("half a percent", RawHttp.Head("GET /v1/messages/a%b HTTP/1.1", ApiHost.Key), 400, 404);
        yield return Case("not UTF-8 in the path", RawHttp.Head("GET /v1/messages/%ff%fe HTTP/1.1", ApiHost.Key), 400, 404);
        yield return Case("a path of 20,000", RawHttp.Head($"GET /v1/messages/{new string('a', 20_000)} HTTP/1.1", ApiHost.Key), 414);
        yield return Case(
            "a header of 40,000",
            RawHttp.Head("GET /v1/messages HTTP/1.1", ApiHost.Key, $"X: {new string('a', 40_000)}"),
            431
        );
        yield return Case(
            "200 headers",
            RawHttp.Head("GET /v1/messages HTTP/1.1", ApiHost.Key, [.. Enumerable.Range(0, 200).Select(i => $"X-{i}: a")]),
            431
        );
        yield return Case("a header without a name", RawHttp.Head("GET /v1/messages HTTP/1.1", ApiHost.Key, ": a"), 400);
        yield return Case("a folded header", RawHttp.Head("GET /v1/messages HTTP/1.1", ApiHost.Key, "X: a", " b"), 400);
        yield return Case("NUL in a header", RawHttp.Head("GET /v1/messages HTTP/1.1", ApiHost.Key, "X: a\0b"), 400);
        yield return Case("an encoded body", Post("{}", "Content-Length: 2", "Content-Encoding: gzip"), 415, 400, 422);
    }

    [TestCaseSource(nameof(Malformed))]
    public async Task Request_Malformed_IsRefusedAndNothingIsLoggedAsAnError(string text, int[] expected)
    {
        await using var host = await ApiHost.StartAsync(new() { OnKestrel = true });
        using var raw = await RawHttp.ConnectAsync(host.Address);
        await raw.SendAsync(text);
        var answer = await raw.AnswerAsync();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer, Is.Not.Null);
            Assert.That(expected, Does.Contain(answer?.Status), answer?.Body);
            Assert.That(host.Logged.Lines.Where(static line => line.Level >= Microsoft.Extensions.Logging.LogLevel.Warning), Is.Empty);
        }

        using var after = await host.SendAsync("GET", "/v1/messages");
        Assert.That((int)after.StatusCode, Is.EqualTo(200));
    }

    [Test]
    public async Task Request_LengthAndChunked_TheLengthSmugglesNothing()
    {
        await using var host = await ApiHost.StartAsync(new() { OnKestrel = true });
        using var raw = await RawHttp.ConnectAsync(host.Address);
        var inner = RawHttp.Head("GET /health/live HTTP/1.1", ApiHost.Key);
        await raw.SendAsync(Post($"0\r\n\r\n{inner}", $"Content-Length: {inner.Length + 5}", Chunked));
        var first = await raw.AnswerAsync();
        Assert.That(first?.Status, Is.EqualTo(400), "the body is empty, or the request is refused as it is");
        Assert.That((await raw.AnswerAsync())?.Status, Is.Null, "nothing of the body is taken for a request");
    }

    [Test]
    public async Task Requests_Pipelined_AreAnsweredInOrder()
    {
        await using var host = await ApiHost.StartAsync(new() { OnKestrel = true });
        using var raw = await RawHttp.ConnectAsync(host.Address);
        var one = RawHttp.Head("GET /v1/messages/none HTTP/1.1", ApiHost.Key);
        var two = RawHttp.Head("GET /health/live HTTP/1.1", ApiHost.Key);
        await raw.SendAsync(one + two + one);
        Assert.That(
            ((await raw.AnswerAsync())?.Status, (await raw.AnswerAsync())?.Status, (await raw.AnswerAsync())?.Status),
            Is.EqualTo((404, 200, 404))
        );
    }

    [Test]
    public async Task Request_OfHttp10_IsAnsweredAndClosed()
    {
        await using var host = await ApiHost.StartAsync(new() { OnKestrel = true });
        using var raw = await RawHttp.ConnectAsync(host.Address);
        await raw.SendAsync("GET /health/live HTTP/1.0\r\n\r\n");
        Assert.That((await raw.AnswerAsync())?.Status, Is.EqualTo(200));
        await raw.ClosedAsync();
    }
}
