using System.Text;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using NUnit.Framework;
using static MailProxy.Tests.Api.MessageViews;

namespace MailProxy.Tests.Api;

[TestFixture]
public sealed class MessageRoutesTests
{
    private static MailContent Content(string json) =>
        new()
        {
            Key = new("default", "m-1"),
            Account = new(1),
            EnvelopeSender = "a@x.example",
            MessageIdHeader = "<m-1@x>",
            CreatedAt = At,
            OnAmbiguous = AmbiguousPolicy.Retry,
            Json = Encoding.UTF8.GetBytes(json),
            Slice = [],
            Standing = default,
        };

    private ApiHost _host = null!;
    private SmtpAccount _account = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _host = await ApiHost.StartAsync();
        _account = await _host.AddAsync(
            new()
            {
                Key = default,
                Tenant = "default",
                Id = "main",
                Version = 1,
                Host = "smtp.example",
            }
        );
    }

    [TearDown]
    public ValueTask StopAsync() => _host.DisposeAsync();

    [Test]
    public async Task Get_Known_EveryMember()
    {
        _host.Queries.Views.Add(
            View(7, "m-7") with
            {
                State = MessageState.Deferred,
                NextAttemptAt = At + 60_000,
                SendAt = At - 5_000,
                Attempts = 2,
                PossibleDuplicate = true,
                Batch = "june",
                Tags = """["a","b"]""",
                Metadata = """{"order":17}""",
                OnAmbiguous = AmbiguousPolicy.Hold,
                Recipients =
                [
                    new("b@x.example", RecipientState.Sent, 250, "2.0.0", "ok"),
                    new("c@x.example", RecipientState.Deferred, 451, "4.7.1", "greylisted"),
                ],
            }
        );
        using var answer = await _host.SendAsync("GET", "/v1/messages/m-7");

        Assert.That((int)answer.StatusCode, Is.EqualTo(200));
        var expected = JsonNode.Parse(
            """
            {
              "id": "m-7", "tenant": "default", "status": "deferred", "final": false, "revision": 1, "account": "main", "priority": "medium",
              "return_path": "a@x.example", "subject": "Hello", "created_at": "2030-01-02T03:04:05Z", "send_at": "2030-01-02T03:04:00Z",
              "expires_at": "2030-01-07T03:04:05Z", "next_attempt_at": "2030-01-02T03:05:05Z", "attempts": 2, "possible_duplicate": true,
              "message_id_header": "<m-7@x>", "batch": "june", "tags": ["a", "b"], "metadata": {"order": 17}, "on_ambiguous": "hold",
              "waiting_for": {"reason": "retry", "until": "2030-01-02T03:05:05Z", "detail": "The last attempt ended with: greylisted"},
              "recipients": [
                {"email": "b@x.example", "status": "sent", "smtp_code": 250, "enhanced_code": "2.0.0", "reply": "ok"},
                {"email": "c@x.example", "status": "deferred", "smtp_code": 451, "enhanced_code": "4.7.1", "reply": "greylisted"}
              ]
            }
            """
        );
        var body = await answer.Content.ReadAsStringAsync();
        Assert.That(JsonNode.DeepEquals(JsonNode.Parse(body), expected), body);
    }

    [Test]
    public async Task Get_Unknown_404()
    {
        using var answer = await _host.SendAsync("GET", "/v1/messages/none");
        await answer.ProblemAsync(404, "not_found");
    }

    [Test]
    public async Task List_Pages_CursorWalksThroughAll()
    {
        for (var i = 1; i <= 5; i++)
            _host.Queries.Views.Add(View(i, $"m-{i}"));
        var seen = new List<string>();
        string? cursor = null;
        for (var page = 0; page < 3; page++)
        {
            using var answer = await _host.SendAsync("GET", "/v1/messages?limit=2" + (cursor is null ? "" : $"&cursor={cursor}"));
            var list = await answer.JsonAsync();
            seen.AddRange(list.GetProperty("data").EnumerateArray().Select(m => m.GetProperty("id").GetString()!));
            cursor = list.GetProperty("next_cursor").GetString();
            Assert.That(cursor is null, Is.EqualTo(page == 2));
        }

        Assert.That(seen, Is.EqualTo(new[] { "m-5", "m-4", "m-3", "m-2", "m-1" }));
    }

    [Test]
    public async Task List_Filters_ReachTheStore()
    {
        using var answer = await _host.SendAsync(
            "GET",
            "/v1/messages?status=partially_sent&account=main&batch=june&tag=a&to=b%40x.example&priority=0"
                + "&created_after=2030-01-02T03:04:05Z&created_before=1893553446.5&tenant=*"
        );
        Assert.That((int)answer.StatusCode, Is.EqualTo(200));
        Assert.That(
            _host.Queries.Filters.Single(),
            Is.EqualTo(
                new MessageFilter(
                    null,
                    MessageState.PartiallySent,
                    _account.Key,
                    "june",
                    "a",
                    "b@x.example",
                    Priority.Immediate,
                    At,
                    At + 1_500
                )
            )
        );
    }

    [Test]
    public async Task List_Plain_OwnTenantOnly()
    {
        using var answer = await _host.SendAsync("GET", "/v1/messages");
        Assert.That(_host.Queries.Filters.Single(), Is.EqualTo(new MessageFilter("default")));
    }

    [TestCase("status=nonsense", "/status")]
    [TestCase("status=", "/status")]
    [TestCase("priority=9", "/priority")]
    [TestCase("limit=0", "/limit")]
    [TestCase("limit=501", "/limit")]
    [TestCase("limit=-1", "/limit")]
    [TestCase("limit=ten", "/limit")]
    [TestCase("cursor=***", "/cursor")]
    [TestCase("cursor=bm90IGEgbnVtYmVy", "/cursor")]
    [TestCase("status=x&limit=x", "/status,/limit")]
    public async Task List_WrongValue_422NamesIt(string query, string pointers)
    {
        using var answer = await _host.SendAsync("GET", "/v1/messages?" + query);
        var problem = await answer.ProblemAsync(422, "invalid_parameter");
        Assert.That(problem.Pointers(), Is.EqualTo(pointers.Split(',')));
    }

    [TestCase("/v1/messages")]
    [TestCase("/v1/accounts")]
    [TestCase("/v1/batches")]
    [TestCase("/v1/webhooks")]
    public async Task List_EmptyCursor_IsTheFirstPage(string path)
    {
        using var plain = await _host.SendAsync("GET", path);
        using var empty = await _host.SendAsync("GET", path + "?cursor=");
        Assert.That(empty.StatusCode, Is.EqualTo(plain.StatusCode));
        if (plain.IsSuccessStatusCode)
            Assert.That(await empty.Content.ReadAsStringAsync(), Is.EqualTo(await plain.Content.ReadAsStringAsync()));
    }

    [TestCase("colour=red", "unknown_parameter", "/colour")]
    [TestCase("limit=1&limit=2", "repeated_parameter", "/limit")]
    public async Task List_WrongName_400NamesIt(string query, string code, string pointer)
    {
        using var answer = await _host.SendAsync("GET", "/v1/messages?" + query);
        var problem = await answer.ProblemAsync(400, code);
        Assert.That(problem.Pointers(), Is.EqualTo(new[] { pointer }));
    }

    [Test]
    public async Task List_UnknownTenant_404()
    {
        using var answer = await _host.SendAsync("GET", "/v1/messages?tenant=other");
        await answer.ProblemAsync(404, "unknown_tenant");
    }

    [Test]
    public async Task List_UnknownAccount_Empty()
    {
        _host.Queries.Views.Add(View(1, "m-1"));
        using var answer = await _host.SendAsync("GET", "/v1/messages?account=none");
        Assert.That((await answer.Content.ReadAsStringAsync()).TrimEnd('\n'), Is.EqualTo("""{"data":[],"next_cursor":null}"""));
    }

    [Test]
    public async Task Events_Pages_InSequence()
    {
        _host.Queries.Events[new("default", "m-1")] =
        [
            Event(11, 1, EventType.MessageQueued, MessageState.Queued, ""),
            Event(15, 2, EventType.MessageDeferred, MessageState.Deferred, """ "next_attempt_at":"2030-01-02T03:05:05Z" """),
            Event(19, 3, EventType.MessageSent, MessageState.Sent, ""),
        ];
        using var first = await _host.SendAsync("GET", "/v1/messages/m-1/events?limit=2");
        var page = await first.JsonAsync();
        var cursor = page.GetProperty("next_cursor").GetString();
        using var second = await _host.SendAsync("GET", $"/v1/messages/m-1/events?limit=2&cursor={cursor}");
        var rest = await second.JsonAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                page.GetProperty("data").EnumerateArray().Select(e => e.GetProperty("type").GetString()),
                Is.EqualTo(new[] { "message.queued", "message.deferred" })
            );
            Assert.That(
                page.GetProperty("data")[1].GetProperty("data").GetProperty("next_attempt_at").GetString(),
                Is.EqualTo("2030-01-02T03:05:05Z")
            );
            Assert.That(rest.GetProperty("data").EnumerateArray().Single().GetProperty("sequence").GetInt32(), Is.EqualTo(3));
            Assert.That(rest.GetProperty("next_cursor").ValueKind, Is.EqualTo(System.Text.Json.JsonValueKind.Null));
        }

        using var unknown = await _host.SendAsync("GET", "/v1/messages/none/events");
        await unknown.ProblemAsync(404, "not_found");
    }

    [TestCase(32)]
    [TestCase(62)]
    public async Task List_MetadataAsDeepAsEverWasStored_IsListed(int levels)
    {
        var metadata = $"{{\"a\":{new string('[', levels - 1)}{new string(']', levels - 1)}}}";
        _host.Queries.Views.Add(View(1, "m-1") with { Metadata = metadata });
        foreach (var path in (string[])["/v1/messages", "/v1/messages?tenant=*", "/v1/messages/m-1"])
        {
            using var answer = await _host.SendAsync("GET", path);
            var body = await answer.Content.ReadAsStringAsync();
            Assert.That((int)answer.StatusCode, Is.EqualTo(200), body);
            Assert.That(body, Does.Contain(metadata));
        }
    }

    [TestCase(1_000)]
    [TestCase(3_000_000)]
    public async Task Raw_AnySize_IsWholeAndLeavesNoFile(int size)
    {
        var text = string.Concat(Enumerable.Range(0, size / 10).Select(static i => $"{i:D9}\n"));
        _host.Queries.Views.Add(View(1, "m-1"));
        _host.Queries.Contents[new("default", "m-1")] = Content(text);
        using var answer = await _host.SendAsync("GET", "/v1/messages/m-1/raw");
        Assert.That(await answer.Content.ReadAsStringAsync(), Is.EqualTo(text));
        Assert.That(Directory.GetFiles(_host.Scratch), Is.Empty);
    }

    [Test]
    public async Task Raw_Known_Rfc822()
    {
        _host.Queries.Views.Add(View(1, "m-1"));
        _host.Queries.Contents[new("default", "m-1")] = Content("rendered");
        using var answer = await _host.SendAsync("GET", "/v1/messages/m-1/raw");
        Assert.That(answer.Content.Headers.ContentType?.MediaType, Is.EqualTo("message/rfc822"));
        Assert.That((await answer.Content.ReadAsStringAsync()).TrimEnd('\n'), Is.EqualTo("rendered"));
        using var unknown = await _host.SendAsync("GET", "/v1/messages/none/raw");
        await unknown.ProblemAsync(404, "not_found");
    }

    [Test]
    public async Task Raw_Purged_410()
    {
        _host.Queries.Fault = new BodyPurgedException();
        using var answer = await _host.SendAsync("GET", "/v1/messages/m-1/raw");
        await answer.ProblemAsync(410, "purged");
    }

    [Test]
    public async Task Raw_BodyLost_410WithACodeOfItsOwn()
    {
        _host.Queries.Fault = new BodyMissingException("The file is gone.", null);
        using var answer = await _host.SendAsync("GET", "/v1/messages/m/raw");
        await answer.ProblemAsync(410, "body_missing");
    }

    private static MailEvent Event(long position, int sequence, EventType type, MessageState status, string detail) =>
        new(position, type, At, "default", "m-1", sequence, status, "main", 1, null, null, null, Encoding.UTF8.GetBytes(detail));
}
