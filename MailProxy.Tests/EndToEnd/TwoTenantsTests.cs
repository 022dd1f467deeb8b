using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>Two tenants that use the same ids for everything do not meet.</summary>
[TestFixture]
internal sealed class TwoTenantsTests
{
    private static readonly (string, string) LoopbackAllowed = ("Network:Allowed:0", "127.0.0.0/8");

    private TempDirectory _directory = null!;

    [SetUp]
    public void Start() => _directory = new();

    [TearDown]
    public void Stop() => _directory.Dispose();

    [Test]
    public async Task SameIdsForEverything_EachHasItsOwn()
    {
        await using var daemon = await TestDaemon.StartAsync(_directory, LoopbackAllowed);
        await using var acme = await Side.StartAsync(daemon, "acme");
        await using var beta = await Side.StartAsync(daemon, "beta");
        foreach (var side in (Side[])[acme, beta])
        {
            await side.PutAsync("/v1/accounts/main", new { host = "127.0.0.1", port = side.Smtp.Port, security = "none" });
            await side.PutAsync("/v1/webhooks/hook", new { url = side.Hook.Url });
            Assert.That(await side.PostAsync("order-1", "once"), Is.EqualTo((202, false)));
        }

        foreach (var side in (Side[])[acme, beta])
        {
            await daemon.EventsAsync(e => e.Type == EventType.MessageSent, 1, tenant: side.Tenant);
            var events = (await side.Hook.NextAsync(2)).Select(hit => JsonNode.Parse(hit.Text)!["data"]!).ToArray();
            var message = await side.GetAsync("/v1/messages/order-1");
            using (Assert.EnterMultipleScope())
            {
                Assert.That(events.Select(e => ((string)e["tenant"]!, (string)e["message_id"]!)), Is.All.EqualTo((side.Tenant, "order-1")));
                Assert.That((string)message["subject"]!, Is.EqualTo($"for {side.Tenant}"));
                Assert.That(side.Smtp.Mails, Has.Count.EqualTo(1));
                Assert.That(side.Smtp.Mails.Single().Text, Does.Contain($"for {side.Tenant}").And.Contain($"X-Mail-Key: {side.Tenant}/order-1"));
                Assert.That((await side.GetAsync("/v1/messages"))["data"]!.AsArray(), Has.Count.EqualTo(1));
                Assert.That(await side.PostAsync("order-1", "once"), Is.EqualTo((202, true)));
            }
        }

        Assert.That(acme.Hook.Hits, Has.Count.EqualTo(2));
        Assert.That(beta.Hook.Hits, Has.Count.EqualTo(2));
    }

    [Test]
    public async Task TenantSuspended_ItsMailWaitsWithANameAndTheOthersGoes()
    {
        await using var daemon = await TestDaemon.StartAsync(_directory);
        await using var acme = await Side.StartAsync(daemon, "acme");
        await using var beta = await Side.StartAsync(daemon, "beta");
        foreach (var side in (Side[])[acme, beta]) await side.PutAsync("/v1/accounts/main", new { sandbox = true });
        await daemon.SendAsync(HttpMethod.Put, "/v1/tenants/acme", new { name = "acme", active = false });

        foreach (var side in (Side[])[acme, beta]) await side.PostAsync("one", null);
        await daemon.EventsAsync(e => e.Type == EventType.MessageSent, 1, tenant: "beta");
        var waiting = await acme.GetAsync("/v1/messages/one");
        Assert.That(((string)waiting["status"]!, (string)waiting["waiting_for"]!["reason"]!), Is.EqualTo(("queued", "tenant_suspended")));
        Assert.That((int)await daemon.SendAsync(HttpMethod.Delete, "/v1/tenants/acme"), Is.EqualTo(409));

        await daemon.SendAsync(HttpMethod.Put, "/v1/tenants/acme", new { name = "acme" });
        await daemon.EventsAsync(e => e.Type == EventType.MessageSent, 1, tenant: "acme");
    }

    [Test]
    public async Task BatchSuspended_ItsMailWaitsWithANameAndGoesWhenActivated()
    {
        await using var daemon = await TestDaemon.StartAsync(_directory);
        await using var acme = await Side.StartAsync(daemon, "acme");
        await using var beta = await Side.StartAsync(daemon, "beta");
        foreach (var side in (Side[])[acme, beta]) await side.PutAsync("/v1/accounts/main", new { sandbox = true });
        await acme.ActAsync("/v1/batches/news/suspend");
        foreach (var side in (Side[])[acme, beta]) await side.PostAsync("one", null, batch: "news");
        await acme.PostAsync("two", null);
        await daemon.EventsAsync(e => e.Type == EventType.MessageSent && e.MessageId == "one", 1, tenant: "beta");
        await daemon.EventsAsync(e => e.Type == EventType.MessageSent && e.MessageId == "two", 1, tenant: "acme");

        var waiting = await acme.GetAsync("/v1/messages/one");
        Assert.That(((string)waiting["status"]!, (string)waiting["waiting_for"]!["reason"]!), Is.EqualTo(("queued", "batch_suspended")));
        Assert.That((await acme.GetAsync("/v1/messages?status=queued"))["data"]!.AsArray(), Has.Count.EqualTo(1));

        await acme.ActAsync("/v1/batches/news/activate");
        await daemon.EventsAsync(e => e.Type == EventType.MessageSent && e.MessageId == "one", 1, tenant: "acme");
    }

    [Test]
    public async Task TenantsKey_HostThatIsNotPublic_IsNotConnectedTo()
    {
        await using var daemon = await TestDaemon.StartAsync(_directory);
        await using var acme = await Side.StartAsync(daemon, "acme");
        await acme.PutAsync("/v1/accounts/main", new { host = "127.0.0.1", port = acme.Smtp.Port, security = "none" });

        var tested = await acme.TestAsync("main");
        Assert.That(((bool)tested["ok"]!, (string)tested["stage"]!), Is.EqualTo((false, "connect")));
        Assert.That((string)tested["error"]!, Does.Contain("not allowed"));
        Assert.That(acme.Smtp.Connections, Is.Zero);
    }

    [Test]
    public async Task DefaultAccount_OfTheTenant_TakesMailThatNamesNone()
    {
        await using var daemon = await TestDaemon.StartAsync(_directory);
        await using var acme = await Side.StartAsync(daemon, "acme");
        foreach (var id in (string[])["a", "b"]) await acme.PutAsync($"/v1/accounts/{id}", new { sandbox = true });
        await acme.PutAsync("/v1/accounts/c", new { host = "smtp.example.com", port = 25, security = "none" });
        await acme.PutAsync("/v1/accounts/d", new { host = "smtp.example.com", port = 25, security = "none" });
        Assert.That((await acme.PostAsync("two", null)).Status, Is.EqualTo(422));

        await daemon.SendAsync(HttpMethod.Put, "/v1/tenants/acme", new { name = "acme", default_account = "b" });
        Assert.That((await acme.PostAsync("two", null)).Status, Is.EqualTo(202));
        Assert.That((string)(await acme.GetAsync("/v1/messages/two"))["account"]!, Is.EqualTo("b"));
    }

    /// <summary>One tenant with a key of its own, an SMTP server and a place for its webhook.</summary>
    private sealed class Side : IAsyncDisposable
    {
        private readonly HttpClient _http;

        private Side(string tenant, HttpClient http, LoopbackWebhook hook) => (Tenant, _http, Hook) = (tenant, http, hook);

        public string Tenant { get; }

        public ScriptedSmtpServer Smtp { get; } = new();

        public LoopbackWebhook Hook { get; }

        public static async Task<Side> StartAsync(TestDaemon daemon, string tenant)
        {
            await daemon.SendAsync(HttpMethod.Put, $"/v1/tenants/{tenant}", new { name = tenant });
            using var made = await daemon.Http.PostAsJsonAsync($"/v1/tenants/{tenant}/keys", new { name = "test", scopes = (string[])["send", "read", "manage"] });
            var key = (string)JsonNode.Parse(await made.Content.ReadAsStringAsync())!["key"]!;
            var http = new HttpClient { BaseAddress = new(daemon.Url), Timeout = TestDaemon.Patience };
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
            return new(tenant, http, await LoopbackWebhook.StartAsync());
        }

        public async Task PutAsync(string path, object body)
        {
            using var answer = await _http.PutAsJsonAsync(path, body);
            Assert.That((int)answer.StatusCode, Is.EqualTo(201), await answer.Content.ReadAsStringAsync());
        }

        public async Task<(int Status, bool Replayed)> PostAsync(string id, string? idempotencyKey, string? batch = null)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/messages")
            {
                Content = JsonContent.Create(new { id, from = "a@x.example", to = "b@y.example", subject = $"for {Tenant}", text = "t", batch }),
            };
            if (idempotencyKey is not null) request.Headers.Add("Idempotency-Key", idempotencyKey);
            using var answer = await _http.SendAsync(request);
            return ((int)answer.StatusCode, answer.Headers.Contains("Idempotent-Replayed"));
        }

        public async Task<JsonNode> GetAsync(string path) => JsonNode.Parse(await _http.GetStringAsync(path))!;

        public async Task<JsonNode> TestAsync(string account)
        {
            using var answer = await _http.PostAsync($"/v1/accounts/{account}/test", null);
            return JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
        }

        public async Task ActAsync(string path)
        {
            using var answer = await _http.PostAsync(path, null);
            Assert.That((int)answer.StatusCode, Is.EqualTo(200), await answer.Content.ReadAsStringAsync());
        }

        public async ValueTask DisposeAsync()
        {
            _http.Dispose();
            await Smtp.DisposeAsync();
            await Hook.DisposeAsync();
        }
    }
}
