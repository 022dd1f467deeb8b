using System.Net;
using System.Text.Json.Nodes;
using NUnit.Framework;

namespace MailProxy.Tests.Genro;

/// <summary>The generated routes of version C as its Python client calls them: tenants and accounts.</summary>
internal sealed class VersionCTests : VersionCFixture
{
    private const string NotYours = "Token not authorized for this tenant";

    [Test]
    public async Task Tenant_MadeReadChangedAndDeleted_IsBareAndKeepsNulls()
    {
        var made = await AddTenantAsync("_New", "Name");
        using (Assert.EnterMultipleScope())
        {
            Assert.That((string?)made["api_key"], Does.Match("^[A-Za-z0-9_-]{43}$"));
            foreach (var name in new[] { "client_auth", "client_base_url", "rate_limits", "large_file_config", "suspended_batches" })
                Assert.That(made.ContainsKey(name) && made[name] is null, name);
            Assert.That(((string?)made["id"], (string?)made["name"], (bool)made["active"]!), Is.EqualTo(("_New", "Name", true)));
            Assert.That(made.ContainsKey("ok"), Is.False);
        }

        Assert.That((await AddTenantAsync("_New")).ContainsKey("api_key"), Is.False, "no key for one that exists");
        var (_, changed) = await PostAsync(
            "/tenants/update",
            new
            {
                tenant_id = "_New",
                name = "Other",
                active = false,
            }
        );
        Assert.That(((string?)changed!["name"], (bool)changed["active"]!), Is.EqualTo(("Other", false)));
        Assert.That(Ids((await GetAsync("/tenants/list")).Body!), Is.SupersetOf(new[] { "acme", "_New" }));
        Assert.That(Ids((await GetAsync("/tenants/list?active_only=true")).Body!), Does.Contain("acme").And.Not.Contain("_New"));
        Assert.That((string?)(await GetAsync("/tenants/get?tenant_id=_New")).Body!["name"], Is.EqualTo("Other"));
        Assert.That((await PostAsync("/tenants/delete", new { tenant_id = "_New" })).Body!.ToJsonString(), Is.EqualTo("true"));
        Assert.That((await PostAsync("/tenants/delete", new { tenant_id = "_New" })).Body!.ToJsonString(), Is.EqualTo("false"));
    }

    [TestCase("GET", "/tenants/get?tenant_id=none", "Tenant 'none' not found")]
    [TestCase("GET", "/tenants/get_suspended_batches?tenant_id=none", "Tenant 'none' not found")]
    [TestCase("GET", "/accounts/get?tenant_id=acme&account_id=none", "Account 'none' not found for tenant 'acme'")]
    [TestCase("GET", "/messages/get?tenant_id=acme&message_id=none", "Message 'none' not found")]
    [TestCase("GET", "/storages/get?tenant_id=acme&name=none", "Storage 'none' not found for tenant 'acme'")]
    [TestCase("GET", "/command_log/get?command_id=99999", "Command '99999' not found")]
    [TestCase("POST", "/tenants/update", "Tenant 'none' not found")]
    [TestCase("POST", "/tenants/suspend_batch", "Tenant 'none' not found")]
    [TestCase("POST", "/tenants/activate_batch", "Tenant 'none' not found")]
    [TestCase("POST", "/tenants/create_api_key", "Tenant 'none' not found")]
    [TestCase("POST", "/tenants/revoke_api_key", "Tenant 'none' not found")]
    public async Task Something_ThatThereIsNot_IsNotFound(string method, string path, string detail)
    {
        var (status, answer) = await CallAsync(new HttpMethod(method), path, method == "POST" ? new { tenant_id = "none" } : null);
        Assert.That(((int)status, answer!.ToJsonString()), Is.EqualTo((404, new JsonObject { ["detail"] = detail }.ToJsonString())));
    }

    [TestCase("POST", "/accounts/add_pec")]
    [TestCase("GET", "/accounts/list_pec")]
    [TestCase("GET", "/accounts/get_pec_ids")]
    [TestCase("POST", "/instance/upgrade_to_ee")]
    [TestCase("GET", "/instance/get_bounce_config")]
    [TestCase("POST", "/instance/set_bounce_config")]
    [TestCase("POST", "/instance/reload_bounce")]
    [TestCase("GET", "/messages")]
    [TestCase("POST", "/commands/run-now")]
    public async Task Route_OfPecBouncesUpgradesAndOtherVersions_IsNotThere(string method, string path)
    {
        var (status, answer) = await CallAsync(new HttpMethod(method), path, method == "POST" ? new { } : null);
        Assert.That(((int)status, answer!.ToJsonString()), Is.EqualTo((404, """{"detail":"Not Found"}""")));
    }

    [Test]
    public async Task Keys_MadeAndRevoked_AreAsTheClientReadsThem()
    {
        var (_, made) = await PostAsync("/tenants/create_api_key", new { tenant_id = "acme", expires_at = 4_000_000_000 });
        Assert.That(
            made!.AsObject().Select(static one => one.Key),
            Is.EqualTo(new[] { "ok", "tenant_id", "api_key", "message" }),
            made.ToJsonString()
        );
        Assert.That((int)(await GetAsync("/instance/status", _key)).Status, Is.EqualTo(401), "the old one ended");
        var key = (string)made["api_key"]!;
        Assert.That((long)(await GetAsync("/tenants/get?tenant_id=acme", key)).Body!["api_key_expires_at"]!, Is.EqualTo(4_000_000_000));
        Assert.That((bool)(await PostAsync("/tenants/revoke_api_key", new { tenant_id = "acme" })).Body!["ok"]!, Is.True);
        Assert.That((int)(await GetAsync("/instance/status", key)).Status, Is.EqualTo(401));
    }

    [Test]
    public async Task Batches_SuspendedAndActivated_AreInTheTenantToo()
    {
        var (_, one) = await PostAsync("/tenants/suspend_batch", new { tenant_id = "acme", batch_code = "B" });
        Assert.That(one!.ToJsonString(), Is.EqualTo("""{"ok":true,"tenant_id":"acme","suspended_batches":["B"]}"""));
        await PostAsync("/instance/suspend", new { tenant_id = "acme", batch_code = "A a" });
        Assert.That((string?)(await GetAsync("/tenants/get?tenant_id=acme")).Body!["suspended_batches"], Is.EqualTo("A a,B"));
        await PostAsync("/tenants/suspend_batch", new { tenant_id = "acme" });
        Assert.That((string?)(await GetAsync("/tenants/get?tenant_id=acme")).Body!["suspended_batches"], Is.EqualTo("*"));
        var (refused, why) = await PostAsync("/tenants/activate_batch", new { tenant_id = "acme", batch_code = "B" });
        Assert.That(
            ((int)refused, (string?)why!["detail"]),
            Is.EqualTo((400, "Cannot remove single batch when all suspended. Use activate_batch(None) first."))
        );
        var (_, all) = await PostAsync("/instance/activate", new { tenant_id = "acme" });
        Assert.That(all!.ToJsonString(), Is.EqualTo("""{"ok":true,"tenant_id":"acme","suspended_batches":[]}"""));
        Assert.That(
            (await GetAsync("/tenants/get_suspended_batches?tenant_id=acme")).Body!.ToJsonString(),
            Is.EqualTo("""{"ok":true,"tenant_id":"acme","suspended_batches":[]}""")
        );
    }

    [Test]
    public async Task Account_MadeReadAndDeleted_IsBareAndHasAKey()
    {
        var account = await AddAccountAsync(
            "acme",
            "second",
            new
            {
                user = "u",
                password = "s3cr3t",
                limit_per_hour = 7,
            }
        );
        using (Assert.EnterMultipleScope())
        {
            Assert.That((string?)account["pk"], Is.Not.Empty);
            Assert.That(((string?)account["id"], (string?)account["tenant_id"], (int)account["ttl"]!), Is.EqualTo(("second", "acme", 300)));
            Assert.That(((string?)account["limit_behavior"], (int)account["limit_per_hour"]!), Is.EqualTo(("defer", 7)));
            Assert.That(account.ContainsKey("limit_per_day") && account["limit_per_day"] is null);
            Assert.That(account.ToJsonString(), Does.Not.Contain("s3cr3t"));
        }

        Assert.That(Ids((await GetAsync("/accounts/list?tenant_id=acme")).Body!), Is.EqualTo(new[] { "main", "second" }));
        Assert.That(
            (await GetAsync("/accounts/get?tenant_id=acme&account_id=second")).Body!.ToJsonString(),
            Is.EqualTo(account.ToJsonString())
        );
        foreach (var name in new[] { "second", "none" })
        {
            var (status, ended) = await PostAsync("/accounts/delete", new { tenant_id = "acme", account_id = name });
            Assert.That(((int)status, ended), Is.EqualTo((200, (JsonNode?)null)));
        }
    }

    [Test]
    public async Task UseTls_WhenAbsent_IsTrue()
    {
        await PostAsync(
            "/accounts/add",
            new
            {
                id = "a",
                tenant_id = "acme",
                host = "smtp.example.com",
                port = 587,
            }
        );
        Assert.That((bool)(await GetAsync("/accounts/get?tenant_id=acme&account_id=a")).Body!["use_tls"]!, Is.True);
        Assert.That((string?)(await OwnAsync("/v1/accounts/a", "acme"))["security"], Is.EqualTo("starttls"));
    }

    [TestCase("/accounts/add", """{"id":"a","tenant_id":"acme","host":"h","port":25,"limit_behavior":"drop"}""", "limit_behavior")]
    [TestCase("/accounts/add", """{"id":"a","tenant_id":"acme","host":"h"}""", "port")]
    [TestCase("/accounts/add", """{"id":"a","host":"h","port":25}""", "tenant_id")]
    [TestCase("/tenants/add", """{"name":"n"}""", "id")]
    [TestCase("/tenants/add", """{"id":"a b"}""", "id")]
    [TestCase("/tenants/update", """{"name":"n"}""", "tenant_id")]
    [TestCase("/messages/delete", "{}", "message_pk")]
    [TestCase("/messages/delete_batch", """{"tenant_id":"acme"}""", "ids")]
    [TestCase("/messages/add_batch", "{}", "messages")]
    [TestCase("/storages/add", """{"tenant_id":"acme","name":"n"}""", "protocol")]
    [TestCase("/storages/add", """{"tenant_id":"acme","name":"n","protocol":"gcs","config":{}}""", "protocol")]
    [TestCase("/storages/add", """{"tenant_id":"acme","name":"n","protocol":"ftp","config":{}}""", "protocol")]
    [TestCase("/storages/add", """{"tenant_id":"acme","name":"n","protocol":"local"}""", "config")]
    [TestCase("/command_log/purge", "{}", "threshold_ts")]
    public async Task Body_WithAMistake_IsInvalid(string path, string body, string member)
    {
        var (status, answer) = await PostAsync(path, body);
        Assert.That(((int)status, (string?)answer!["detail"]![0]!["loc"]![1]), Is.EqualTo((422, member)), answer.ToJsonString());
    }

    [TestCase("/tenants/update")]
    [TestCase("/instance/run_now")]
    [TestCase("/messages/add")]
    [TestCase("/messages/add_batch")]
    public async Task Body_ThatIsAbsent_IsInvalid(string path)
    {
        var (status, answer) = await PostAsync(path);
        Assert.That(((int)status, answer!["detail"]![0]!["loc"]!.ToJsonString()), Is.EqualTo((422, """["body"]""")));
    }

    [Test]
    public async Task Instance_Routes_AnswerAsTheClientReadsThem()
    {
        Assert.That((await GetAsync("/health", token: null)).Body!.ToJsonString(), Is.EqualTo("""{"status":"ok"}"""));
        Assert.That((await GetAsync("/instance/health")).Body!.ToJsonString(), Is.EqualTo("""{"status":"ok"}"""));
        Assert.That((await GetAsync("/instance/status", _key)).Body!.ToJsonString(), Is.EqualTo("""{"ok":true,"active":true}"""));
        Assert.That((await PostAsync("/instance/update", new { name = "production" })).Body!.ToJsonString(), Is.EqualTo("""{"ok":true}"""));
        var (_, shown) = await GetAsync("/instance/get");
        Assert.That(((bool)shown!["ok"]!, (int)shown["id"]!, (string?)shown["name"]), Is.EqualTo((true, 1, "production")));
        Assert.That(shown.AsObject().ContainsKey("api_token") && shown["api_token"] is null, "null, and never a secret");
        Assert.That((int)(await PostAsync("/instance/update", new { api_token = "x" })).Status, Is.EqualTo(400));
        var (_, status) = await GetAsync("/instance/get_sync_status");
        var acme = status!["tenants"]!.AsArray().Single(static one => (string?)one!["id"] == "acme")!.AsObject();
        Assert.That((int)status["sync_interval_seconds"]!, Is.EqualTo(300));
        Assert.That(acme.ContainsKey("last_sync_ts") && acme["last_sync_ts"] is null);
    }

    [Test]
    public async Task Token_OfATenant_SeesAndChangesItsOwnOnly()
    {
        await AddTenantAsync("other");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Ids((await GetAsync("/tenants/list", _key)).Body!), Is.EqualTo(new[] { "acme" }));
            Assert.That(Ids((await GetAsync("/instance/get_sync_status", _key)).Body!["tenants"]!), Is.EqualTo(new[] { "acme" }));
            Assert.That(
                (await GetAsync("/command_log/list", _key)).Body!.AsArray().Select(static one => (string?)one!["tenant_id"]),
                Is.All.EqualTo("acme").And.Not.Empty
            );
            Assert.That(Ids((await GetAsync("/accounts/list", _key)).Body!), Is.EqualTo(new[] { "main" }), "it may omit itself");
            await ExpectAsync(401, NotYours, await GetAsync("/tenants/get?tenant_id=other", _key));
            await ExpectAsync(401, NotYours, await GetAsync("/messages/list?tenant_id=other", _key));
            await ExpectAsync(401, NotYours, await GetAsync("/command_log/list?tenant_id=other", _key));
            await ExpectAsync(401, NotYours, await PostAsync("/tenants/update", new { tenant_id = "other" }, _key));
            await ExpectAsync(401, NotYours, await PostAsync("/instance/run_now", new { tenant_id = "other" }, _key));
            await ExpectAsync(403, "Admin token required", await PostAsync("/tenants/delete", new { tenant_id = "acme" }, _key));
            await ExpectAsync(403, "Admin token required", await PostAsync("/tenants/add", new { id = "third" }, _key));
        }
    }

    private static Task ExpectAsync(int status, string detail, (HttpStatusCode Status, JsonNode? Body) answer)
    {
        Assert.That(((int)answer.Status, (string?)answer.Body!["detail"]), Is.EqualTo((status, detail)));
        return Task.CompletedTask;
    }
}
