using System.Net;
using System.Text.Json;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using NUnit.Framework;

namespace MailProxy.Tests.Api;

[TestFixture]
public sealed class NdjsonSubmissionTests
{
    private const string Ndjson = "application/x-ndjson";

    private static string Line(int number) => $$"""{"id":"m-{{number}}","from":"a@x.example","to":"b@x.example","text":"hello"}""";

    private static string Lines(int count) => string.Concat(Enumerable.Range(0, count).Select(i => Line(i) + "\n"));

    private static async Task<JsonElement[]> ResultsAsync(HttpResponseMessage answer)
    {
        var body = await answer.Content.ReadAsStringAsync();
        Assert.That((int)answer.StatusCode, Is.EqualTo(200), body);
        Assert.That(answer.Content.Headers.ContentType?.MediaType, Is.EqualTo(Ndjson));
        return [.. body.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonElement.Parse(l))];
    }

    private static string?[] Ids(IEnumerable<JsonElement> results) =>
        [.. results.Select(r => r.TryGetProperty("id", out var id) ? id.GetString() : null)];

    private static Task<ApiHost> StartAsync(
        List<Submission> seen,
        Action<MailProxy.Daemon.Api.ApiOptions>? configure = null,
        int maxMessages = 1_000
    ) =>
        ApiHost.StartAsync(
            new()
            {
                Configure = configure ?? (_ => { }),
                Limits = new() { MaxMessages = maxMessages, MaxRequestBytes = 100_000 },
                Behind = submission =>
                {
                    seen.Add(submission);
                    ApiHost.StoreAll(submission);
                    return ValueTask.CompletedTask;
                },
            }
        );

    [TestCase("/v1/messages")]
    [TestCase("/v1/messages/batch")]
    public async Task Post_FiveLines_ChunksOfTwoResultsInOrder(string path)
    {
        var seen = new List<Submission>();
        await using var host = await StartAsync(seen, o => o.NdjsonChunkMessages = 2);
        using var answer = await host.SendAsync("POST", path, Lines(5), Ndjson);

        var results = await ResultsAsync(answer);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(seen.Select(s => s.Drafts.Count), Is.EqualTo(new[] { 2, 2, 1 }));
            Assert.That(Ids(results), Is.EqualTo(new[] { "m-0", "m-1", "m-2", "m-3", "m-4" }));
            Assert.That(results.Select(r => r.GetProperty("index").GetInt32()), Is.EqualTo(Enumerable.Range(0, 5)));
            Assert.That(results.Select(r => r.GetProperty("status").GetString()), Is.All.EqualTo("queued"));
        }
    }

    [Test]
    public async Task Post_KeyDeletedAfterAChunk_TheRestIsNotTaken()
    {
        ApiHost host = null!;
        var seen = 0;
        host = await ApiHost.StartAsync(
            new()
            {
                Configure = o => o.NdjsonChunkMessages = 2,
                Behind = submission =>
                {
                    seen++;
                    host.CurrentKeys.Swap(KeyDirectory.Empty);
                    ApiHost.StoreAll(submission);
                    return ValueTask.CompletedTask;
                },
            }
        );
        await using var _ = host;
        host.CurrentKeys.Swap(
            new([
                new()
                {
                    Tenant = "default",
                    Id = "k1",
                    Name = "n",
                    Hash = TenantKey.HashOf("the-key"),
                    Scopes = KeyScopes.Send,
                    CreatedAt = 0,
                },
            ])
        );
        using var client = host.NewClient("the-key");
        using var content = new StringContent(Lines(5), System.Text.Encoding.UTF8, Ndjson);
        using var answer = await client.PostAsync("/v1/messages", content).WaitAsync(ApiHost.Deadline);

        var results = await ResultsAsync(answer);
        Assert.That(Ids(results), Is.EqualTo(new[] { "m-0", "m-1", null }));
        Assert.That(results[2].GetProperty("error").GetProperty("code").GetString(), Is.EqualTo("unauthorized"));
        Assert.That(seen, Is.EqualTo(1));
    }

    [Test]
    public async Task Post_ChunkByBytes_CutsAfterTheLineThatFillsIt()
    {
        var seen = new List<Submission>();
        await using var host = await StartAsync(seen, o => o.NdjsonChunkBytes = 1_024);
        using var answer = await host.SendAsync("POST", "/v1/messages", Lines(40), Ndjson);
        Assert.That(await ResultsAsync(answer), Has.Length.EqualTo(40));
        Assert.That(seen, Has.Count.GreaterThan(1));
        Assert.That(
            seen.SkipLast(1).Select(static s => s.Drafts.Sum(static d => d.Json.Length + 1)),
            Is.All.InRange(1_024, 1_024 + Line(0).Length)
        );
    }

    [Test]
    public async Task Post_EmptyLinesCrLfAndNoLastLineFeed_Read()
    {
        var seen = new List<Submission>();
        await using var host = await StartAsync(seen);
        using var answer = await host.SendAsync("POST", "/v1/messages", $"\n{Line(0)}\r\n\n  \r\n{Line(1)}", Ndjson);
        Assert.That(Ids(await ResultsAsync(answer)), Is.EqualTo(new[] { "m-0", "m-1" }));
    }

    [Test]
    public async Task Post_Nothing_200Empty()
    {
        await using var host = await StartAsync([]);
        using var answer = await host.SendAsync("POST", "/v1/messages", "", Ndjson);
        Assert.That(await ResultsAsync(answer), Is.Empty);
    }

    [Test]
    public async Task Post_BadLine_ItsErrorOthersStored()
    {
        await using var host = await StartAsync([]);
        using var answer = await host.SendAsync("POST", "/v1/messages", $"{Line(0)}\n{{bad\n{Line(2)}\n", Ndjson);
        var results = await ResultsAsync(answer);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Ids(results), Is.EqualTo(new[] { "m-0", null, "m-2" }));
            Assert.That(results[1].GetProperty("error").GetProperty("code").GetString(), Is.EqualTo("malformed_json"));
        }
    }

    [Test]
    public async Task Post_WhileTheBodyComes_ChunksAreCommitted()
    {
        await using var host = await ApiHost.StartAsync(new() { Behind = null, Configure = o => o.NdjsonChunkMessages = 2 });
        var body = new HandFedContent();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/messages") { Content = body };
        var posting = host.Client.SendAsync(request);

        await body.WriteAsync(Line(0) + "\n" + Line(1) + "\n" + Line(2)[..10]);
        var first = await host.Ingest.Reader.ReadAsync().AsTask().WaitAsync(ApiHost.Deadline);
        Assert.That(first.Drafts, Has.Count.EqualTo(2));
        ApiHost.StoreAll(first);

        await body.WriteAsync(Line(2)[10..]);
        body.End();
        var second = await host.Ingest.Reader.ReadAsync().AsTask().WaitAsync(ApiHost.Deadline);
        ApiHost.StoreAll(second);
        using var answer = await posting.WaitAsync(ApiHost.Deadline);
        Assert.That(Ids(await ResultsAsync(answer)), Is.EqualTo(new[] { "m-0", "m-1", "m-2" }));
    }

    [Test]
    public async Task Post_ChunkNotStored_ItsLinesSayItOthersAreStored()
    {
        await using var host = await ApiHost.StartAsync(
            new()
            {
                Configure = o => o.NdjsonChunkMessages = 2,
                Behind = submission =>
                {
                    if (submission.Drafts[0].Mail!.Id != "m-2")
                        ApiHost.StoreAll(submission);
                    else
                        submission.Complete(new SubmissionAnswer.Unavailable("busy"));
                    return ValueTask.CompletedTask;
                },
            }
        );
        using var answer = await host.SendAsync("POST", "/v1/messages", Lines(6), Ndjson);
        var results = await ResultsAsync(answer);
        Assert.That(
            results.Select(r => r.TryGetProperty("error", out var error) ? error.GetProperty("code").GetString() : "stored"),
            Is.EqualTo(new[] { "stored", "stored", "store_unavailable", "store_unavailable", "stored", "stored" })
        );
        Assert.That(Ids(results)[2], Is.EqualTo("m-2"));
    }

    [Test]
    public async Task Post_TooManyMessages_ReadsNoFurtherAndSaysWhere()
    {
        var seen = new List<Submission>();
        await using var host = await StartAsync(seen, maxMessages: 3);
        using var answer = await host.SendAsync("POST", "/v1/messages", Lines(5), Ndjson);
        var results = await ResultsAsync(answer);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Ids(results), Is.EqualTo(new[] { "m-0", "m-1", "m-2", null }));
            Assert.That(results[3].GetProperty("error").GetProperty("code").GetString(), Is.EqualTo("too_many_messages"));
            Assert.That(seen.Sum(s => s.Drafts.Count), Is.EqualTo(3));
        }
    }

    [Test]
    public async Task Post_TooLargeByLength_413NothingSubmitted()
    {
        var seen = new List<Submission>();
        await using var host = await StartAsync(seen);
        using var answer = await host.SendAsync("POST", "/v1/messages", Lines(2_000), Ndjson);
        await answer.ProblemAsync(413, "too_large");
        Assert.That(seen, Is.Empty);
    }

    [Test]
    public async Task Post_OneEndlessLine_413()
    {
        await using var host = await StartAsync([]);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/messages")
        {
            Content = new SubmitRoutesTests.ChunkedContent(new string('x', 100_001), 50_000, Ndjson),
        };
        using var answer = await host.Client.SendAsync(request).WaitAsync(ApiHost.Deadline);
        await answer.ProblemAsync(413, "too_large");
    }

    [Test]
    public async Task Post_IdempotencyKey_422()
    {
        await using var host = await StartAsync([]);
        using var answer = await host.SendAsync("POST", "/v1/messages", Lines(1), Ndjson, ("Idempotency-Key", "k"));
        await answer.ProblemAsync(422, "idempotency_not_supported");
    }

    [Test]
    public async Task Post_DiskLow_503()
    {
        await using var host = await StartAsync([]);
        host.FreeDisk = 0;
        using var answer = await host.SendAsync("POST", "/v1/messages", Lines(1), Ndjson);
        await answer.ProblemAsync(503, "disk_low");
    }

    /// <summary>A body that the test writes piece by piece.</summary>
    private sealed class HandFedContent : HttpContent
    {
        private readonly TaskCompletionSource<Stream> _open = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _end = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public HandFedContent() => Headers.ContentType = new(Ndjson);

        public async Task WriteAsync(string text)
        {
            var stream = await _open.Task.WaitAsync(ApiHost.Deadline);
            await stream.WriteAsync(System.Text.Encoding.UTF8.GetBytes(text));
            await stream.FlushAsync();
        }

        public void End() => _end.TrySetResult();

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            _open.TrySetResult(stream);
            return _end.Task.WaitAsync(ApiHost.Deadline);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
