using System.Net;
using System.Text.Json.Nodes;
using NUnit.Framework;

namespace MailProxy.Tests.Genro;

/// <summary>What is otherwise in version A, as its clients see it: nobody names a tenant.</summary>
internal sealed class VersionATests : VersionAFixture
{
    [Test]
    public async Task Status_SaysOkOnly() => Assert.That((await GetAsync("/status")).Body!.ToJsonString(), Is.EqualTo("""{"ok":true}"""));

    [TestCase("GET", "/tenants")]
    [TestCase("POST", "/tenant")]
    [TestCase("GET", "/instance")]
    [TestCase("GET", "/command-log")]
    [TestCase("GET", "/messages/list")]
    public async Task Route_OfAnotherVersion_IsNotThere(string method, string path) =>
        Assert.That((await CallAsync(new HttpMethod(method), path)).Status, Is.EqualTo(HttpStatusCode.NotFound));

    [Test]
    public async Task Message_SentAsTheExampleClientDoes_IsSent()
    {
        var mail = Mail(
            "test_1730000000000_1234",
            new
            {
                from_name = "Example Client",
                html = true,
                body = "<h2>Test Email</h2>",
                content_type = "html",
            }
        );
        var (status, answer) = await AddAsync(mail);
        Assert.That((status, answer!.ToJsonString()), Is.EqualTo((HttpStatusCode.OK, """{"ok":true,"queued":1,"rejected":[]}""")));
        Assert.That((await PostAsync("/commands/run-now")).Body!.ToJsonString(), Is.EqualTo("""{"ok":true}"""));
        var row = await MailAsync("test_1730000000000_1234", static row => row["sent_ts"] is not null);
        Assert.That(row.ToJsonString(), Does.Not.Contain("tenant"));
        Assert.That(row["message"]!["tenant_id"], Is.Null);
        Assert.That(_smtp.Taken.Single().Text, Does.Contain("<h2>Test Email</h2>"));
    }

    [TestCase("""{"body":null}""", "body")]
    [TestCase("""{"subject":null}""", "subject")]
    [TestCase("""{"from":null}""", "from")]
    [TestCase("""{"to":null}""", "to")]
    [TestCase("""{"id":null}""", "id")]
    public async Task Message_WithoutAMember_IsInvalid(string without, string member)
    {
        var mail = Mail("m");
        foreach (var (name, _) in JsonNode.Parse(without)!.AsObject())
            mail.Remove(name);
        var (status, answer) = await AddAsync(mail);
        Assert.That((int)status, Is.EqualTo(422), answer?.ToJsonString());
        Assert.That(answer!["detail"]![0]!["loc"]!.ToJsonString(), Is.EqualTo($"""["body","messages",0,"{member}"]"""));
    }

    [Test]
    public async Task Subject_Empty_IsTaken()
    {
        await QueueAsync(Mail("m", new { subject = "" }));
        await MailAsync("m", static row => row["sent_ts"] is not null);
    }

    [TestCase("""{"account_id":"none"}""", "account not found")]
    [TestCase("""{"account_id":""}""", "missing account configuration")]
    [TestCase("""{"from":""}""", "missing from")]
    [TestCase("""{"to":[]}""", "missing to")]
    [TestCase("""{"attachments":[{"filename":"a","storage_path":"x"}]}""", "Invalid/unauthorized storage volumes: x")]
    public async Task Messages_AllRefused_AreToldWithAWord(string more, string reason)
    {
        var mail = Mail("m");
        foreach (var (name, value) in JsonNode.Parse(more)!.AsObject())
            mail[name] = value?.DeepClone();
        var (status, answer) = await AddAsync(mail);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(status, Is.EqualTo(HttpStatusCode.BadRequest), answer?.ToJsonString());
            Assert.That((string?)answer!["detail"]!["error"], Is.EqualTo("all messages rejected"));
            Assert.That(
                answer["detail"]!["rejected"]!.ToJsonString(),
                Is.EqualTo(new JsonArray(new JsonObject { ["id"] = "m", ["reason"] = reason }).ToJsonString())
            );
            Assert.That(await AllAsync(), Is.Empty, "what was refused is not stored");
        }
    }

    [Test]
    public async Task Id_ThatFailed_MayComeAgainAndItsRowHasNoTimeOfSending()
    {
        await QueueAsync(Mail("m", new { to = "perm@example.org" }));
        var row = await MailAsync("m", static row => row["error_ts"] is not null);
        Assert.That(row.ContainsKey("sent_ts"), Is.False);
        Assert.That((string?)row["error"], Does.Contain("550"));
        await QueueAsync(Mail("m"));
        await MailAsync("m", static row => row["sent_ts"] is not null);
        Assert.That(
            (await AddAsync(Mail("m"))).Body!.ToJsonString(),
            Is.EqualTo("""{"ok":true,"queued":0,"rejected":[{"id":"m","reason":"already sent"}]}""")
        );
    }

    [Test]
    public async Task Deletion_OfKnownAndUnknownIds_HasNoListOfUnauthorized()
    {
        await QueueAsync(Mail("m", new { deferred_ts = 4_000_000_000 }));
        var (_, answer) = await PostAsync("/commands/delete-messages", new { ids = new[] { "m", "none" } });
        Assert.That(answer!.ToJsonString(), Is.EqualTo("""{"ok":true,"removed":1,"not_found":["none"]}"""));
    }

    [TestCase(null)]
    [TestCase("{}")]
    [TestCase("""{"older_than_seconds":60}""")]
    public async Task Cleanup_WithOrWithoutABody_IsDone(string? body) =>
        Assert.That((await PostAsync("/commands/cleanup-messages", body)).Body!.ToJsonString(), Is.EqualTo("""{"ok":true,"removed":0}"""));

    [Test]
    public async Task Accounts_Listed_NameNoTenant()
    {
        var (status, answer) = await GetAsync("/accounts");
        var account = answer!["accounts"]!.AsArray().Single()!.AsObject();
        Assert.That((status, (string?)account["id"]), Is.EqualTo((HttpStatusCode.OK, "main")));
        Assert.That(account.ToJsonString(), Does.Not.Contain("tenant"));
        Assert.That((await CallAsync(HttpMethod.Delete, "/account/main")).Body!.ToJsonString(), Is.EqualTo("""{"ok":true}"""));
        var (refused, why) = await CallAsync(HttpMethod.Delete, "/account/main");
        Assert.That(((int)refused, (string?)why!["detail"]), Is.EqualTo((400, "account not found or not owned by tenant")));
    }

    [TestCase(465, true, "tls")]
    [TestCase(587, true, "tls")]
    [TestCase(2525, true, "tls")]
    [TestCase(465, null, "tls")]
    [TestCase(587, null, "none")]
    [TestCase(465, false, "none")]
    public async Task UseTls_ByPort_IsThisSecurity(int port, bool? useTls, string security)
    {
        var account = Account("a");
        (account["host"], account["port"], account["use_tls"]) = ("smtp.example.com", port, useTls);
        Assert.That((await PostAsync("/account", account)).Status, Is.EqualTo(HttpStatusCode.OK));
        var stored = await OwnAsync("/v1/accounts/a", Tenant);
        Assert.That((string?)stored["security"], Is.EqualTo(security));
    }

    [Test]
    public async Task Tenant_NamedAllTheSame_IsIgnored()
    {
        await QueueAsync(Mail("m", new { tenant_id = "other", deferred_ts = 4_000_000_000 }));
        Assert.That((await GetAsync("/messages?tenant_id=other")).Body!["messages"]!.AsArray(), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Metrics_OfVersionAAlone_AreByAccount()
    {
        using var http = new HttpClient { BaseAddress = new Uri(_daemon.Url) };
        var before = await http.GetStringAsync("/metrics");
        foreach (var name in new[] { "sent", "errors", "deferred", "rate_limited" })
            Assert.That(before, Does.Contain($$"""gmp_{{name}}_total{account_id="default"} 0"""));
        await QueueAsync(Mail("m"), Mail("later", new { deferred_ts = 4_000_000_000 }));
        await MailAsync("m", static row => row["sent_ts"] is not null);
        var after = await http.GetStringAsync("/metrics");
        Assert.That(after, Does.Contain("""gmp_sent_total{account_id="main"} 1""").And.Contain("gmp_pending_messages 1"));
    }

    [TestCase("GET", "/messages")]
    [TestCase("GET", "/accounts")]
    [TestCase("POST", "/account")]
    [TestCase("POST", "/commands/add-messages")]
    [TestCase("POST", "/commands/suspend")]
    [TestCase("GET", "/volumes")]
    public async Task Request_WithoutADefaultTenant_IsInvalidUnlessTheTokenHasOne(string method, string path)
    {
        await RestartAsync(("Genro:DefaultTenant", ""));
        object? body = path == "/commands/add-messages" ? new JsonObject { ["messages"] = new JsonArray() } : null;
        var (status, answer) = await CallAsync(new HttpMethod(method), path, body);
        Assert.That(
            ((int)status, (string?)answer!["detail"]![0]!["msg"]),
            Is.EqualTo((422, "The setting Genro:DefaultTenant must say which tenant is meant"))
        );
        var key = await _daemon.MakeTenantAsync("own");
        Assert.That((int)(await CallAsync(new HttpMethod(method), path, body ?? Account("a"), key)).Status, Is.EqualTo(200));
    }
}
