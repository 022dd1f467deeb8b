using System.Text;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using NUnit.Framework;

namespace MailProxy.Tests.Api;

[TestFixture]
public sealed class SubmitRoutesTests
{
    private const string Mail = """{"id":"m-1","from":"a@x.example","to":"b@x.example","text":"hello"}""";

    private Func<Submission, SubmissionAnswer> _script = ApiHost.Stored;
    private readonly List<Submission> _seen = [];
    private ApiHost _host = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _script = ApiHost.Stored;
        _seen.Clear();
        _host = await ApiHost.StartAsync(
            new()
            {
                Limits = new() { MaxRequestBytes = 2_000, MaxMessages = 3 },
                Behind = submission =>
                {
                    _seen.Add(submission);
                    if (submission.TryTake())
                        submission.Complete(_script(submission));
                    return ValueTask.CompletedTask;
                },
            }
        );
    }

    [TearDown]
    public ValueTask StopAsync() => _host.DisposeAsync();

    [Test]
    public async Task Post_Stored_202WithReceiptAndLocation()
    {
        using var answer = await _host.SendAsync("POST", "/v1/messages", Mail);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((int)answer.StatusCode, Is.EqualTo(202));
            Assert.That(answer.Headers.Location?.OriginalString, Is.EqualTo("/v1/messages/m-1"));
            Assert.That(
                (await answer.Content.ReadAsStringAsync()).TrimEnd('\n'),
                Is.EqualTo("""{"id":"m-1","status":"queued","created_at":"2030-01-02T03:04:05Z"}""")
            );
            Assert.That(answer.Headers.Contains("X-Request-Id"));
            Assert.That(_seen.Single().Tenant, Is.EqualTo("default"));
            Assert.That(Encoding.UTF8.GetString(_seen[0].Drafts.Single().Json.Span), Is.EqualTo(Mail));
            Assert.That(_seen[0].Idempotency, Is.Null);
        }
    }

    [Test]
    public async Task Post_Chunked_SameAsWithLength()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/messages") { Content = new ChunkedContent(Mail, 7) };
        using var answer = await _host.Client.SendAsync(request).WaitAsync(ApiHost.Deadline);

        Assert.That((int)answer.StatusCode, Is.EqualTo(202));
        Assert.That(Encoding.UTF8.GetString(_seen.Single().Drafts.Single().Json.Span), Is.EqualTo(Mail));
    }

    [TestCase("application/json; charset=utf-8", 202)]
    [TestCase("application/json; charset=\"UTF-8\"", 202)]
    [TestCase("APPLICATION/JSON", 202)]
    [TestCase("application/json; charset=latin1", 415)]
    [TestCase("text/plain", 415)]
    [TestCase("application/x-www-form-urlencoded", 415)]
    [TestCase("nonsense", 415)]
    public async Task Post_ContentType_TakenOr415(string contentType, int status)
    {
        using var answer = await _host.SendAsync("POST", "/v1/messages", Mail, contentType);
        if (status == 415)
            await answer.ProblemAsync(415, "unsupported_media_type");
        else
            Assert.That((int)answer.StatusCode, Is.EqualTo(status));
    }

    [Test]
    public async Task Post_NoContentType_ReadAsJson()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/messages")
        {
            Content = new ByteArrayContent(Encoding.UTF8.GetBytes(Mail)),
        };
        using var answer = await _host.Client.SendAsync(request).WaitAsync(ApiHost.Deadline);
        Assert.That((int)answer.StatusCode, Is.EqualTo(202));
    }

    [Test]
    public async Task Post_Compressed_415()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/messages")
        {
            Content = new StringContent(Mail, Encoding.UTF8, "application/json"),
        };
        request.Content.Headers.ContentEncoding.Add("gzip");
        using var answer = await _host.Client.SendAsync(request).WaitAsync(ApiHost.Deadline);
        await answer.ProblemAsync(415, "unsupported_media_type");
    }

    [TestCase("")]
    [TestCase("{")]
    [TestCase("{\"from\":")]
    [TestCase("not json")]
    public async Task Post_Malformed_400NothingSubmitted(string body)
    {
        using var answer = await _host.SendAsync("POST", "/v1/messages", body);
        await answer.ProblemAsync(400, "malformed_json");
        Assert.That(_seen, Is.Empty);
    }

    [Test]
    public async Task Post_RefusedByRules_422WithPointers()
    {
        _script = _ => new SubmissionAnswer.Stored([
            new(
                "m-1",
                default,
                0,
                new Problem(422, "validation_failed", "Mistakes.", [new("/to/0", "invalid_address", "No domain."), new("/html", "x", "y")])
            ),
        ]);
        using var answer = await _host.SendAsync("POST", "/v1/messages", Mail);
        var problem = await answer.ProblemAsync(422, "validation_failed");
        Assert.That(problem.Pointers(), Is.EqualTo(new[] { "/to/0", "/html" }));
        Assert.That(problem.TryGetProperty("message_status", out _), Is.False);
    }

    [TestCase("sending", MessageState.Sending, "sending")]
    [TestCase("already_sent", MessageState.PartiallySent, "partially_sent")]
    public async Task Post_Conflict_409WithIdAndState(string code, MessageState state, string name)
    {
        _script = _ => new SubmissionAnswer.Stored([new("m-1", state, 0, new Problem(409, code, "Too late."))]);
        using var answer = await _host.SendAsync("POST", "/v1/messages", Mail);
        var problem = await answer.ProblemAsync(409, code);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(problem.GetProperty("id").GetString(), Is.EqualTo("m-1"));
            Assert.That(problem.GetProperty("message_status").GetString(), Is.EqualTo(name));
        }
    }

    [Test]
    public async Task Post_StoreCannotWrite_503WithRetryAfter()
    {
        _script = _ => new SubmissionAnswer.Unavailable("disk full");
        using var answer = await _host.SendAsync("POST", "/v1/messages", Mail);
        await answer.ProblemAsync(503, "store_unavailable");
        Assert.That(answer.Headers.RetryAfter?.Delta, Is.GreaterThan(TimeSpan.Zero));
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task Post_TooLarge_413NothingSubmitted(bool withLength)
    {
        var large = Mail.Replace("hello", new string('x', 2_000));
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/messages")
        {
            Content = withLength ? new StringContent(large, Encoding.UTF8, "application/json") : new ChunkedContent(large, 500),
        };
        using var answer = await _host.Client.SendAsync(request).WaitAsync(ApiHost.Deadline);
        await answer.ProblemAsync(413, "too_large");
        Assert.That(_seen, Is.Empty);
    }

    [Test]
    public async Task Post_ExactlyTheLimit_Taken()
    {
        var body = Mail.Replace("hello", new string('x', 2_000 - Mail.Length + 5));
        Assert.That(body, Has.Length.EqualTo(2_000));
        using var withLength = await _host.SendAsync("POST", "/v1/messages", body);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/messages") { Content = new ChunkedContent(body, 500) };
        using var chunked = await _host.Client.SendAsync(request).WaitAsync(ApiHost.Deadline);
        Assert.That(((int)withLength.StatusCode, (int)chunked.StatusCode), Is.EqualTo((202, 202)));
    }

    [Test]
    public async Task Batch_Mixed_200InOrderWithPointers()
    {
        _script = s => new SubmissionAnswer.Stored([
            new("a", MessageState.Queued, 0),
            new("b", default, 0, new Problem(422, "invalid_address", "No.", [new("/to/0", "invalid_address", "No domain.")])),
            new("c", MessageState.Sending, 0, new Problem(409, "sending", "Too late.")),
        ]);
        using var answer = await _host.SendAsync("POST", "/v1/messages/batch", $$"""{"messages":[{{Mail}},{{Mail}},{{Mail}}]}""");

        Assert.That((int)answer.StatusCode, Is.EqualTo(200));
        var results = (await answer.JsonAsync()).GetProperty("results");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(results.GetArrayLength(), Is.EqualTo(3));
            Assert.That(results[0].ToString(), Is.EqualTo("""{"index":0,"id":"a","status":"queued"}"""));
            Assert.That(results[1].GetProperty("error").Pointers(), Is.EqualTo(new[] { "/messages/1/to/0" }));
            Assert.That(results[1].GetProperty("error").GetProperty("status").GetInt32(), Is.EqualTo(422));
            Assert.That(results[1].GetProperty("id").GetString(), Is.EqualTo("b"));
            Assert.That(results[1].TryGetProperty("status", out _), Is.False);
            Assert.That(results[2].GetProperty("error").GetProperty("message_status").GetString(), Is.EqualTo("sending"));
        }
    }

    [Test]
    public async Task Batch_EveryItemRefusedByTheBinder_200NothingSubmitted()
    {
        using var answer = await _host.SendAsync("POST", "/v1/messages/batch", """{"messages":[1,2]}""");
        var results = (await answer.JsonAsync()).GetProperty("results");
        using (Assert.EnterMultipleScope())
        {
            Assert.That((int)answer.StatusCode, Is.EqualTo(200));
            Assert.That(results[1].GetProperty("error").GetProperty("status").GetInt32(), Is.InRange(400, 422));
            Assert.That(_seen, Is.Empty);
        }
    }

    [TestCase("{}", 422, "/messages")]
    [TestCase("""{"messages":[]}""", 422, "/messages")]
    [TestCase("""{"messages":[{}],"surprise":1}""", 422, "/surprise")]
    [TestCase("""{"messages":[{},{},{},{}]}""", 422, "/messages")]
    public async Task Batch_WrongEnvelope_RefusedWhole(string body, int status, string pointer)
    {
        using var answer = await _host.SendAsync("POST", "/v1/messages/batch", body);
        var problem = await answer.JsonAsync();
        Assert.That((int)answer.StatusCode, Is.EqualTo(status), problem.ToString());
        Assert.That(problem.Pointers(), Is.EqualTo(new[] { pointer }));
        Assert.That(_seen, Is.Empty);
    }

    /// <summary>A body without a length, in pieces.</summary>
    internal sealed class ChunkedContent : HttpContent
    {
        private readonly byte[] _bytes;
        private readonly int _piece;

        public ChunkedContent(string text, int piece, string contentType = "application/json")
        {
            _bytes = Encoding.UTF8.GetBytes(text);
            _piece = piece;
            Headers.ContentType = new(contentType);
        }

        protected override async Task SerializeToStreamAsync(Stream stream, System.Net.TransportContext? context)
        {
            foreach (var piece in _bytes.Chunk(_piece))
            {
                await stream.WriteAsync(piece);
                await stream.FlushAsync();
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
