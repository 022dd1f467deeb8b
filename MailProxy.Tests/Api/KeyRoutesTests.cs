using MailProxy.Pipeline.Accounts;
using NUnit.Framework;

namespace MailProxy.Tests.Api;

[TestFixture]
internal sealed class KeyRoutesTests : KeyFixture
{
    [Test]
    public async Task Post_Key_IsShownOnceAndOnlyItsHashIsKept()
    {
        using var made = await _host.SendAsync(
            "POST",
            "/v1/tenants/default/keys",
            """{"name":"shop","scopes":["send","read"],"expires_at":"2999-01-01T00:00:00Z","allowed_networks":["10.0.0.0/8","192.0.2.7"]}"""
        );
        var body = await made.JsonAsync();
        var key = body.GetProperty("key").GetString()!;
        using var list = await _host.SendAsync("GET", "/v1/tenants/default/keys");
        var listed = await list.Content.ReadAsStringAsync();
        using (Assert.EnterMultipleScope())
        {
            Assert.That((int)made.StatusCode, Is.EqualTo(201));
            Assert.That(key, Does.Match("^mpt_[A-Za-z0-9_-]{43}$"));
            Assert.That(body.GetProperty("scopes").EnumerateArray().Select(s => s.GetString()), Is.EqualTo(new[] { "send", "read" }));
            Assert.That(
                body.GetProperty("allowed_networks").EnumerateArray().Select(s => s.GetString()),
                Is.EqualTo(new[] { "10.0.0.0/8", "192.0.2.7/32" })
            );
            Assert.That(listed, Does.Contain(body.GetProperty("id").GetString()).And.Not.Contain(key).And.Not.Contain("\"key\""));
            Assert.That(_host.Configuration.Values<TenantKey>().Single().Hash, Is.EqualTo(TenantKey.HashOf(key)));
        }
    }

    [TestCase("""{"scopes":["read"]}""", "/name")]
    [TestCase("""{"name":"n"}""", "/scopes")]
    [TestCase("""{"name":"n","scopes":[]}""", "/scopes")]
    [TestCase("""{"name":"n","scopes":["admin"]}""", "/scopes/0")]
    [TestCase("""{"name":"n","scopes":["read"],"expires_at":"2001-01-01T00:00:00Z"}""", "/expires_at")]
    [TestCase("""{"name":"n","scopes":["read"],"allowed_networks":["10.0.0.0/99"]}""", "/allowed_networks/0")]
    [TestCase("""{"name":"n","scopes":["read"],"key":"mine"}""", "/key")]
    public async Task Post_Mistake_422(string json, string pointer)
    {
        using var answer = await _host.SendAsync("POST", "/v1/tenants/default/keys", json);
        Assert.That(((int)answer.StatusCode, (await answer.JsonAsync()).Pointers().Single()), Is.EqualTo((422, pointer)));
        Assert.That(_host.Configuration.Values<TenantKey>(), Is.Empty);
    }

    [Test]
    public async Task Keys_OfATenantThatIsNotThere_404()
    {
        using var post = await _host.SendAsync("POST", "/v1/tenants/acme/keys", """{"name":"n","scopes":["read"]}""");
        await post.ProblemAsync(404, "not_found");
        using var list = await _host.SendAsync("GET", "/v1/tenants/acme/keys");
        await list.ProblemAsync(404, "not_found");
        using var delete = await _host.SendAsync("DELETE", "/v1/tenants/acme/keys/k1");
        await delete.ProblemAsync(404, "not_found");
    }

    [Test]
    public async Task Post_TooMany_422()
    {
        for (var i = 0; i < 100; i++)
            _host.Configuration.Add("default", $"k{i}", Key($"k{i}", $"key{i}"));
        await _host.LoadAsync();
        using var answer = await _host.SendAsync("POST", "/v1/tenants/default/keys", """{"name":"n","scopes":["read"]}""");
        await answer.ProblemAsync(422, "quota_exceeded");
    }

    [Test]
    public async Task Refused_Keys_AreAuditedWithoutTheKeyAndRateBounded()
    {
        await AddAsync(Key("k1", "the-key") with { Scopes = KeyScopes.Send });
        for (var i = 0; i < 5; i++)
            Assert.That(await StatusAsync("guess-number-" + i), Is.EqualTo(401));
        Assert.That(await StatusAsync("the-key"), Is.EqualTo(403));
        using (var bare = _host.NewClient(null))
            (await bare.GetAsync("/v1/accounts")).Dispose(); // no key is no refused key

        var first = _host.Audit.Entries;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                first.Select(e => (e.Actor, e.Action)),
                Is.EqualTo(new[] { ("unknown", "key.refused"), ("key/default/k1", "key.refused") })
            );
            Assert.That(Detail(first[0], "reason"), Is.EqualTo("unauthorized"));
            Assert.That(Detail(first[0], "route"), Is.EqualTo("GET /v1/accounts"));
            Assert.That(Detail(first[1], "reason"), Is.EqualTo("insufficient_scope"));
            Assert.That(Detail(first[1], "unlogged"), Is.EqualTo("4"));
            Assert.That(string.Concat(first.Select(e => e.After)), Does.Not.Contain("guess").And.Not.Contain("the-key"));
        }

        _host.Clock.Advance(TimeSpan.FromMinutes(1));
        await StatusAsync("guess-again");
        Assert.That(
            _host.Audit.Entries.Select(e => e.Action),
            Is.EqualTo(new[] { "key.refused", "key.refused", "key.refused_more", "key.refused" })
        );
        Assert.That(Detail(_host.Audit.Entries[2], "unlogged"), Is.EqualTo("4"));
    }

    [Test]
    public async Task Audit_Export_PagesAsNdjson()
    {
        for (var i = 1; i <= 3; i++)
            await _host.Audit.AppendAsync("ann", "account.create", $"account/default/a{i}", """{"x":1}""");
        using var first = await _host.SendAsync("GET", "/v1/audit?limit=2");
        var lines = (await first.Content.ReadAsStringAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var cursor = first.Headers.GetValues("X-Next-Cursor").Single();
        using var rest = await _host.SendAsync("GET", "/v1/audit?limit=2&cursor=" + cursor);
        using var after = await _host.SendAsync("GET", "/v1/audit?after=2");
        using var begin = await _host.SendAsync("GET", "/v1/audit?after=&cursor=&limit=1");
        using var both = await _host.SendAsync("GET", "/v1/audit?after=2&cursor=" + cursor);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(first.Content.Headers.ContentType?.MediaType, Is.EqualTo("application/x-ndjson"));
            Assert.That(
                lines[0],
                Is.EqualTo(
                    """{"number":1,"at":"1970-01-01T00:00:01Z","actor":"ann","action":"account.create","object":"account/default/a1","after":{"x":1}}"""
                )
            );
            Assert.That(lines, Has.Length.EqualTo(2));
            Assert.That(await rest.Content.ReadAsStringAsync(), Does.StartWith("{\"number\":3,").And.EndsWith("}\n"));
            Assert.That(rest.Headers.Contains("X-Next-Cursor"), Is.False);
            Assert.That(await after.Content.ReadAsStringAsync(), Does.StartWith("{\"number\":3,"));
            Assert.That(await begin.Content.ReadAsStringAsync(), Does.StartWith("{\"number\":1,"));
            Assert.That((int)both.StatusCode, Is.EqualTo(422));
        }
    }

    [Test]
    public async Task Audit_NewestFirst_PagesBack_ByCursorsOfItsOwn()
    {
        for (var i = 1; i <= 3; i++)
            await _host.Audit.AppendAsync("ann", "account.create", $"account/default/a{i}", null);
        using var first = await _host.SendAsync("GET", "/v1/audit?order=desc&limit=2");
        var cursor = first.Headers.GetValues("X-Next-Cursor").Single();
        using var rest = await _host.SendAsync("GET", "/v1/audit?order=desc&limit=2&cursor=" + cursor);
        using var forth = await _host.SendAsync("GET", "/v1/audit?limit=2&cursor=" + cursor);
        using var after = await _host.SendAsync("GET", "/v1/audit?order=desc&after=1");
        using var odd = await _host.SendAsync("GET", "/v1/audit?order=up");

        Assert.That(await first.Content.ReadAsStringAsync(), Does.Match("^\\{\"number\":3,.*\n\\{\"number\":2,"));
        Assert.That(await rest.Content.ReadAsStringAsync(), Does.StartWith("{\"number\":1,"));
        Assert.That(rest.Headers.Contains("X-Next-Cursor"), Is.False);
        Assert.That(((int)forth.StatusCode, (int)after.StatusCode, (int)odd.StatusCode), Is.EqualTo((422, 422, 422)));
    }

    [Test]
    public async Task Account_SetWithATenantsKey_RemembersItUnlessTheAdminSetTheSamePlace()
    {
        await AddAsync(Key("k1", "the-key"));
        const string Account = """{"host":"smtp.example.com","port":25,"security":"none"}""";
        async Task<bool> PutAsync(string key, string json)
        {
            using var client = _host.NewClient(key);
            using var answer = await client.PutAsync(
                "/v1/accounts/main",
                new StringContent(json, System.Text.Encoding.UTF8, "application/json")
            );
            Assert.That((int)answer.StatusCode, Is.AnyOf(200, 201), await answer.Content.ReadAsStringAsync());
            return _host.Current.Directory.Find("default", "main")!.ByTenant;
        }

        Assert.That(await PutAsync("the-key", Account));
        Assert.That(await PutAsync(ApiHost.Key, Account), Is.False);
        Assert.That(await PutAsync("the-key", Account.Replace("smtp", "SMTP")), Is.False, "the same place as the admin set");
        Assert.That(await PutAsync("the-key", Account.Replace("25", "26")), "another port");
        Assert.That(await PutAsync("the-key", Account), "back again, but nobody else said so");
    }

    [Test]
    public async Task RunNow_TenantsKey_WakesItsOwnAccountsOnly()
    {
        await AddAsync(Key("k1", "the-key"));
        var mine = await _host.AddAsync(
            new()
            {
                Key = default,
                Tenant = "default",
                Id = "a",
                Version = 1,
                Sandbox = true,
            }
        );
        await _host.AddAsync(
            new()
            {
                Key = default,
                Tenant = "acme",
                Id = "a",
                Version = 1,
                Sandbox = true,
            }
        );
        using var client = _host.NewClient("the-key");
        using var answer = await client.PostAsync("/v1/dispatcher/run-now", null);
        Assert.That((int)answer.StatusCode, Is.EqualTo(200));
        Assert.That(
            _host.Dispatcher,
            Is.EqualTo(new[] { "probe default", "report default" }),
            "the dispatcher itself is not the tenant's to hurry"
        );
    }
}
