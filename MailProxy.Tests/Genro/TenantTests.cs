using System.Net;
using System.Text.Json.Nodes;
using NUnit.Framework;

namespace MailProxy.Tests.Genro;

/// <summary>Tenants, their keys, and what the instance keeps.</summary>
internal sealed class TenantTests : GenroFixture
{
    [Test]
    public async Task Tenant_MadeReadChangedAndDeleted_IsAsItWasWritten()
    {
        var (_, made) = await PostAsync(
            "/tenant",
            new
            {
                id = "_Acme9",
                name = "Acme",
                client_auth = new { method = "bearer", token = "s3cr3t-token" },
                client_base_url = "http://127.0.0.1:9/app",
                client_sync_path = "/sync",
                rate_limits = new { hourly = 7 },
            }
        );
        Assert.That((string?)made!["api_key"], Does.Match("^[A-Za-z0-9_-]{43}$"));
        var (status, read) = await GetAsync("/tenant/_Acme9");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(status, Is.EqualTo(HttpStatusCode.OK));
            Assert.That((string?)read!["id"], Is.EqualTo("_Acme9"), "bare, without ok");
            Assert.That(read["ok"], Is.Null);
            Assert.That((string?)read["client_auth"]!["method"], Is.EqualTo("bearer"));
            Assert.That(read.ToJsonString(), Does.Not.Contain("s3cr3t"), "no secrets in answers");
            Assert.That((int)read["rate_limits"]!["hourly"]!, Is.EqualTo(7));
            Assert.That((bool)read["active"]!, Is.True);
        }

        Assert.That(
            (await CallAsync(HttpMethod.Put, "/tenant/_Acme9", new { active = false, name = (string?)null })).Status,
            Is.EqualTo(HttpStatusCode.OK)
        );
        read = (await GetAsync("/tenant/_Acme9")).Body!;
        Assert.That(((string?)read["name"], (bool)read["active"]!), Is.EqualTo(("Acme", false)), "nulls leave what is there");
        var (_, again) = await PostAsync("/tenant", new { id = "_Acme9" });
        Assert.That(again!.ToJsonString(), Is.EqualTo("""{"ok":true}"""), "no key for one that exists");
        read = (await GetAsync("/tenant/_Acme9")).Body!;
        Assert.That(read.ToJsonString(), Is.EqualTo("""{"id":"_Acme9","active":true}"""), "omitted fields are null");
        Assert.That((await CallAsync(HttpMethod.Delete, "/tenant/_Acme9")).Body!.ToJsonString(), Is.EqualTo("""{"ok":true}"""));
        Assert.That((await GetAsync("/tenant/_Acme9")).Status, Is.EqualTo(HttpStatusCode.NotFound));
        Assert.That((await CallAsync(HttpMethod.Delete, "/tenant/_Acme9")).Status, Is.EqualTo(HttpStatusCode.NotFound));
    }

    [Test]
    public async Task Tenants_InCaseOnly_AreApart()
    {
        await MakeTenantAsync("abc", reports: false);
        await MakeTenantAsync("ABC", reports: false);
        await CallAsync(HttpMethod.Delete, "/tenant/abc");
        Assert.That((await GetAsync("/tenant/ABC")).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task Tenant_ByItsOwnToken_MayNotNameADirectoryButLeaveIt()
    {
        var key = await MakeTenantAsync("acme", reports: false);
        var rewrite = new
        {
            large_file_config = new
            {
                enabled = true,
                action = "rewrite",
                storage_url = "file:///srv/files",
            },
        };
        var (refused, answer) = await CallAsync(HttpMethod.Put, "/tenant/acme", rewrite, key);
        Assert.That(((int)refused, (string?)answer!["detail"]![0]!["loc"]![2]), Is.EqualTo((422, "storage_url")));
        Assert.That((await CallAsync(HttpMethod.Put, "/tenant/acme", rewrite)).Status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That((await CallAsync(HttpMethod.Put, "/tenant/acme", new { name = "Own" }, key)).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task Tenants_Listed_OnlyActiveWhenAsked()
    {
        await MakeTenantAsync("one", reports: false);
        await PostAsync("/tenant", new { id = "two", active = "no" });
        Assert.That(Ids(await GetAsync("/tenants")), Is.SupersetOf(new[] { "one", "two" }));
        Assert.That(Ids(await GetAsync("/tenants?active_only=yes")), Does.Contain("one").And.Not.Contain("two"));

        static IEnumerable<string> Ids((HttpStatusCode, JsonNode? Body) answer) =>
            answer.Body!["tenants"]!.AsArray().Select(static one => (string)one!["id"]!);
    }

    [Test]
    public async Task Key_MadeAnewAndEnded_EndsTheOldOne()
    {
        var first = await MakeTenantAsync("acme", reports: false);
        Assert.That((await GetAsync("/status", first)).Body!.ToJsonString(), Is.EqualTo("""{"ok":true,"active":true}"""));
        var second = (string)(await PostAsync("/tenant/acme/api-key")).Body!["api_key"]!;
        Assert.That((await GetAsync("/status", first)).Status, Is.EqualTo(HttpStatusCode.Unauthorized));
        Assert.That((await GetAsync("/status", second)).Status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That((await CallAsync(HttpMethod.Delete, "/tenant/acme/api-key")).Status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That((await GetAsync("/status", second)).Status, Is.EqualTo(HttpStatusCode.Unauthorized));
        Assert.That((await PostAsync("/tenant/none/api-key")).Status, Is.EqualTo(HttpStatusCode.NotFound));
        Assert.That((await CallAsync(HttpMethod.Delete, "/tenant/none/api-key")).Status, Is.EqualTo(HttpStatusCode.NotFound));
    }

    [TestCase("""{"name":"x"}""", "id")]
    [TestCase("""{"id":""}""", "id")]
    [TestCase("""{"id":"a b"}""", "id")]
    [TestCase("""{"id":"a","active":"perhaps"}""", "active")]
    [TestCase("""{"id":"a","client_base_url":"ftp://x"}""", "client_base_url")]
    [TestCase("""{"id":"a","client_auth":{"method":"digest"}}""", "client_auth")]
    [TestCase("""{"id":"a","large_file_config":{"enabled":true,"action":"burn"}}""", "large_file_config")]
    public async Task Tenant_WithAMistake_IsInvalid(string body, string member)
    {
        var (status, answer) = await PostAsync("/tenant", body);
        Assert.That(((int)status, (string?)answer!["detail"]![0]!["loc"]![1]), Is.EqualTo((422, member)), answer.ToJsonString());
    }

    [Test]
    public async Task Deletion_WithWaitingMail_ReportsNothingOfIt()
    {
        await MakeTenantAsync("acme");
        await MakeAccountAsync("acme");
        await QueueAsync(Message("m", "acme", new { deferred_ts = 4_000_000_000 }));
        await CallAsync(HttpMethod.Delete, "/tenant/acme");
        await MakeTenantAsync("acme");
        Assert.That(await RowsAsync("acme"), Is.Empty);
        Assert.That(_application.Hits.SelectMany(Entries), Is.Empty);
    }

    [Test]
    public async Task SyncStatus_AfterACall_SaysWhen()
    {
        var called = new TaskCompletionSource();
        _application.Answer = (_, _) =>
        {
            called.TrySetResult();
            return Task.CompletedTask;
        };
        await MakeTenantAsync("acme");
        await called.Task;
        JsonNode? one = null;
        await Support.Eventually.BecomesAsync(
            async () =>
            {
                var (_, answer) = await GetAsync("/tenants/sync-status");
                Assert.That((int)answer!["sync_interval_seconds"]!, Is.EqualTo(300));
                one = answer["tenants"]!.AsArray().Single(static tenant => (string)tenant!["id"]! == "acme");
                return one!["last_sync_ts"] is not null;
            },
            static yes => yes
        );
        Assert.That(((bool)one!["next_sync_due"]!, (bool)one["in_dnd"]!, (bool)one["active"]!), Is.EqualTo((false, false, true)));
    }

    [Test]
    public async Task Instance_Written_IsReadWithoutItsPassword()
    {
        var (_, first) = await GetAsync("/instance");
        Assert.That(
            ((int)first!["id"]!, (bool)first["bounce_enabled"]!, (int)first["bounce_imap_port"]!, (string?)first["bounce_imap_folder"]),
            Is.EqualTo((1, false, 993, "INBOX"))
        );
        Assert.That(
            (await CallAsync(HttpMethod.Put, "/instance", new { bounce_enabled = true, bounce_imap_password = "s3cr3t" })).Status,
            Is.EqualTo(HttpStatusCode.OK)
        );
        Assert.That((int)(await PostAsync("/instance/reload-bounce")).Status, Is.EqualTo(400), "enabled without a host");
        await CallAsync(HttpMethod.Put, "/instance", new { bounce_imap_host = "imap.example.com" });
        Assert.That((int)(await PostAsync("/instance/reload-bounce")).Status, Is.EqualTo(200));
        var (_, read) = await GetAsync("/instance");
        Assert.That((bool)read!["bounce_enabled"]!, Is.True, "partial");
        Assert.That(read.ToJsonString(), Does.Not.Contain("s3cr3t"));
    }

    [Test]
    public async Task Health_NeedsNoToken_AtEachPlace()
    {
        foreach (var path in new[] { "/health", "/mailproxy/v1/health", "/mailproxy/health" })
            Assert.That((await GetAsync(path, token: null)).Body!.ToJsonString(), Is.EqualTo("""{"status":"ok"}"""), path);
    }
}
