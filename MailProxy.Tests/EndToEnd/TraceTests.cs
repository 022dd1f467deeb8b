using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using Microsoft.Data.Sqlite;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>A submission's trace goes along with what the daemon asks others, though no spans are exported.</summary>
[Parallelizable(ParallelScope.Self)]
internal sealed class TraceTests
{
    private const string Parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        Other = "00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        State = "rojo=00f067aa0ba902b7";

    private TempDirectory _directory = null!;
    private LoopbackFiles _web = null!;
    private LoopbackFiles _elsewhere = null!;
    private TestDaemon _daemon = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _directory = new();
        (_web, _elsewhere) = (await LoopbackFiles.StartAsync(), await LoopbackFiles.StartAsync());
        _daemon = await StartDaemonAsync();
    }

    [TearDown]
    public async Task StopAsync()
    {
        await _daemon.DisposeAsync();
        await _elsewhere.DisposeAsync();
        await _web.DisposeAsync();
        _directory.Dispose();
    }

    private Task<TestDaemon> StartDaemonAsync() => TestDaemon.StartAsync(_directory, ("Network:Allowed:0", "127.0.0.0/8"));

    private string Url(string path) => $"http://127.0.0.1:{_web.Port}{path}";

    private static JsonObject Mail(string id, params JsonNode[] attachments) =>
        new()
        {
            ["id"] = id,
            ["from"] = "a@example.com",
            ["to"] = "b@example.com",
            ["text"] = "x",
            ["attachments"] = new JsonArray(attachments),
        };

    private async Task PostAsync(string path, HttpContent content, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = content };
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        using var answer = await _daemon.Http.SendAsync(request);
        Assert.That((int)answer.StatusCode, Is.AnyOf(200, 202), await answer.Content.ReadAsStringAsync());
    }

    private Task PostAsync(JsonObject mail, params (string Name, string Value)[] headers) =>
        PostAsync("/v1/messages", JsonContent.Create(mail), headers);

    private Task<HttpStatusCode> HookAsync() => _daemon.SendAsync(HttpMethod.Put, "/v1/webhooks/hook", new { url = Url("/hook") });

    private async Task<IReadOnlyList<FileRequest>> RequestsAsync(string path, int count)
    {
        FileRequest[] Of() => [.. _web.Requests.Where(one => one.Target.StartsWith(path, StringComparison.Ordinal))];
        return await Eventually.BecomesAsync(() => Task.FromResult(Of()), all => all.Length >= count);
    }

    private static (string?, string?) Told(FileRequest request) =>
        (request.Headers.GetValueOrDefault("traceparent"), request.Headers.GetValueOrDefault("tracestate"));

    private long Rows()
    {
        using var store = new SqliteConnection($"Data Source={Path.Combine(_directory, "mailproxy.db")};Mode=ReadOnly;Pooling=False");
        store.Open();
        using var count = store.CreateCommand();
        count.CommandText = "SELECT count(*) FROM message_traces";
        return (long)count.ExecuteScalar()!;
    }

    [Test]
    public async Task Post_InATrace_WebhookAndAttachmentRequestsBelongToIt()
    {
        await HookAsync();
        await _daemon.SendAsync(HttpMethod.Put, "/v1/volumes/web", new { backend = "http", config = new { base_url = Url("/dav") } });
        await _daemon.SendAsync(
            HttpMethod.Put,
            "/v1/tenants/default",
            new { name = "d", attachment_endpoint = new { url = Url("/give") } }
        );
        await PostAsync(
            Mail(
                "m1",
                new JsonObject { ["filename"] = "1", ["source"] = Url("/file") },
                new JsonObject { ["filename"] = "2", ["source"] = "web:2" },
                new JsonObject { ["filename"] = "3", ["source"] = "named" }
            ),
            ("traceparent", Parent),
            ("tracestate", State)
        );
        await _daemon.UntilAsync("m1", EventType.MessageSent);

        var all = await RequestsAsync("/", 5);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(all.Select(static one => one.Target).Distinct(), Is.EquivalentTo(new[] { "/hook", "/file", "/dav/2", "/give" }));
            Assert.That(all.Select(Told), Is.All.EqualTo((Parent, State)));
        }
    }

    [TestCase("/v1/messages/batch", false)]
    [TestCase("/v1/messages/batch", true)]
    [Category(TestDaemon.NamesFiles)]
    public async Task Post_SeveralAtOnce_AllBelongToTheTraceOfTheRequest(string path, bool lines)
    {
        await HookAsync();
        JsonObject[] mails = [Mail("m1"), Mail("m2")];
        HttpContent content = lines
            ? new StringContent(string.Join('\n', mails.Select(static one => one.ToJsonString())), Encoding.UTF8, "application/x-ndjson")
            : JsonContent.Create(new JsonObject { ["messages"] = new JsonArray(mails) });
        await PostAsync(path, content, ("traceparent", Parent));

        var posts = await RequestsAsync("/hook", 4);
        Assert.That(posts.Select(Told), Is.All.EqualTo((Parent, (string?)null)));
        Assert.That(Rows(), Is.EqualTo(2));
    }

    [Test]
    public async Task Post_ByTheOtherContract_BelongsToItsTrace()
    {
        await _daemon.StopAsync();
        await _daemon.DisposeAsync();
        _daemon = await TestDaemon.StartAsync(
            _directory,
            ("Network:Allowed:0", "127.0.0.0/8"),
            ("Genro:Enabled", "true"),
            ("Genro:AdminToken", TestDaemon.Key),
            ("Genro:DefaultTenant", "default")
        );
        await HookAsync();
        var mail = new JsonObject
        {
            ["id"] = "m1",
            ["tenant_id"] = "default",
            ["account_id"] = "sandbox",
            ["from"] = "a@example.com",
            ["to"] = "b@example.com",
            ["subject"] = "s",
            ["body"] = "x",
        };
        await PostAsync(
            "/commands/add-messages",
            JsonContent.Create(new JsonObject { ["messages"] = new JsonArray(mail) }),
            ("X-API-Token", TestDaemon.Key),
            ("traceparent", Parent)
        );
        Assert.That(Told((await RequestsAsync("/hook", 1))[0]), Is.EqualTo((Parent, (string?)null)));
    }

    [TestCase("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01")]
    [TestCase("00-00000000000000000000000000000000-b7ad6b7169203331-01")]
    [TestCase("nonsense")]
    [TestCase(null)]
    [Category(TestDaemon.NamesFiles)]
    public async Task Post_WithoutAValidTrace_IsTakenAndNothingIsToldNorStored(string? header)
    {
        await HookAsync();
        await PostAsync(
            Mail("m1", new JsonObject { ["filename"] = "1", ["source"] = Url("/file") }),
            header is null ? [] : [("traceparent", header), ("tracestate", State)]
        );
        await _daemon.UntilAsync("m1", EventType.MessageSent);
        Assert.That((await RequestsAsync("/", 3)).Select(Told), Is.All.EqualTo(((string?)null, (string?)null)));
        Assert.That(Rows(), Is.Zero);
    }

    [Test]
    [Category(TestDaemon.NamesFiles)]
    public async Task Post_WithTwoTraces_BelongsToNone()
    {
        var body = Mail("m1").ToJsonString();
        using var raw = await RawHttp.ConnectAsync(new(_daemon.Url));
        string[] headers =
        [
            "Content-Type: application/json",
            $"Content-Length: {body.Length}",
            $"traceparent: {Parent}",
            $"traceparent: {Other}",
        ];
        await raw.SendAsync(RawHttp.Head("POST /v1/messages HTTP/1.1", TestDaemon.Key, headers) + body);
        Assert.That((await raw.AnswerAsync())?.Status, Is.EqualTo(202));
        await _daemon.UntilAsync("m1", EventType.MessageSent);
        Assert.That(Rows(), Is.Zero);
    }

    [Test]
    public async Task Webhook_EventsOfSeveralTraces_SaysNothingAndOfOneSaysIt()
    {
        await _daemon.SendAsync(HttpMethod.Post, "/v1/dispatcher/suspend");
        await PostAsync(Mail("m1"), ("traceparent", Parent));
        await PostAsync(Mail("m2"), ("traceparent", Parent));
        var same = await ReplayedAsync("one", "m1", "m2");
        await PostAsync(Mail("m3"), ("traceparent", Other));
        var mixed = await ReplayedAsync("two", "m1", "m2", "m3");
        Assert.That((Told(same), Told(mixed)), Is.EqualTo(((Parent, (string?)null), ((string?)null, (string?)null))));
    }

    // A new webhook is told of what was before it in one request.
    private async Task<FileRequest> ReplayedAsync(string hook, params string[] ids)
    {
        await _daemon.SendAsync(HttpMethod.Put, $"/v1/webhooks/{hook}", new { url = Url("/" + hook), max_batch = 10 });
        var replay = await _daemon.SendAsync(HttpMethod.Post, $"/v1/webhooks/{hook}/replay", new { from = "2020-01-01T00:00:00Z" });
        Assert.That((int)replay, Is.InRange(200, 299));
        bool HasAll(FileRequest one) => ids.All(id => one.Body.Contains($"\"{id}\"", StringComparison.Ordinal));
        return (await Eventually.BecomesAsync(() => Task.FromResult(_web.Requests.FirstOrDefault(HasAll)), static one => one is not null))!;
    }

    [Test]
    public async Task Redirect_ToAnotherHost_IsNotToldOfTheTrace()
    {
        _web.Redirect("/moved", Url("/here"));
        _web.Redirect("/away", $"http://127.0.0.1:{_elsewhere.Port}/there");
        await PostAsync(
            Mail(
                "m1",
                new JsonObject { ["filename"] = "1", ["source"] = Url("/moved") },
                new JsonObject { ["filename"] = "2", ["source"] = Url("/away") }
            ),
            ("traceparent", Parent)
        );
        await _daemon.UntilAsync("m1", EventType.MessageSent);
        Assert.That(_web.Requests.Select(static one => Told(one).Item1), Is.All.EqualTo(Parent));
        Assert.That(_web.Requests.Select(static one => one.Target), Does.Contain("/here"));
        Assert.That(Told(_elsewhere.Requests.Single()), Is.EqualTo(((string?)null, (string?)null)));
    }

    [Test]
    public async Task Restart_WithWaitingMail_ItsRequestsBelongToItsTrace()
    {
        await HookAsync();
        await _daemon.SendAsync(HttpMethod.Post, "/v1/dispatcher/suspend");
        await PostAsync(
            Mail("m1", new JsonObject { ["filename"] = "1", ["source"] = Url("/file") }),
            ("traceparent", Parent),
            ("tracestate", State)
        );
        await RequestsAsync("/hook", 1);
        await _daemon.StopAsync();
        await _daemon.DisposeAsync();
        _daemon = await StartDaemonAsync();
        await _daemon.SendAsync(HttpMethod.Post, "/v1/dispatcher/activate");
        await _daemon.UntilAsync("m1", EventType.MessageSent);
        Assert.That((await RequestsAsync("/", 3)).Select(Told), Is.All.EqualTo((Parent, State)));
    }
}
