using System.Net;
using System.Text.Json;
using MailProxy.Pipeline.Accounts;
using NUnit.Framework;

namespace MailProxy.Tests.Api;

[TestFixture]
public sealed class KeyRoutesTests
{
    private ApiHost _host = null!;

    [SetUp]
    public async Task StartAsync() => _host = await ApiHost.StartAsync(new() { Configure = api => api.TrustedProxies = [] });

    [TearDown]
    public async Task StopAsync() => await _host.DisposeAsync();

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
            Assert.That(_host.Keys.Keys.Single().Hash, Is.EqualTo(TenantKey.HashOf(key)));
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
        Assert.That(_host.Keys.Keys, Is.Empty);
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
            _host.Keys.Keys.Add(Key($"k{i}", $"key{i}"));
        using var answer = await _host.SendAsync("POST", "/v1/tenants/default/keys", """{"name":"n","scopes":["read"]}""");
        await answer.ProblemAsync(422, "quota_exceeded");
    }

    [Test]
    public async Task Rotation_BothKeysAreValidUntilTheOldIsDeleted()
    {
        var (oldId, old) = await MakeAsync();
        var (_, fresh) = await MakeAsync();
        Assert.That((await StatusAsync(old), await StatusAsync(fresh)), Is.EqualTo((200, 200)));

        using var deleted = await _host.SendAsync("DELETE", $"/v1/tenants/default/keys/{oldId}");
        Assert.That((int)deleted.StatusCode, Is.EqualTo(204));
        Assert.That((await StatusAsync(old), await StatusAsync(fresh)), Is.EqualTo((401, 200)));
    }

    [Test]
    public async Task Key_Expires_WhileTheDaemonRuns()
    {
        _host.Clock.Advance(TimeSpan.Zero);
        var now = _host.Clock.GetUtcNow().ToUnixTimeMilliseconds();
        await AddAsync(Key("k1", "the-key") with { ExpiresAt = now + 60_000 });
        Assert.That(await StatusAsync("the-key"), Is.EqualTo(200));
        _host.Clock.Advance(TimeSpan.FromMilliseconds(59_999));
        Assert.That(await StatusAsync("the-key"), Is.EqualTo(200));
        _host.Clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.That(await StatusAsync("the-key"), Is.EqualTo(401));
    }

    [Test]
    public async Task LongPoll_KeyIsDeletedOrExpires_EndsAtOnce()
    {
        foreach (var (expires, code) in ((bool, string)[])[(false, "unauthorized"), (true, "key_expired")])
        {
            var now = _host.Clock.GetUtcNow().ToUnixTimeMilliseconds();
            await AddAsync(Key("k1", "the-key") with { ExpiresAt = expires ? now + 5_000 : now + 9_000_000_000_000 });
            _host.Log.Waiting = new();
            var poll = GetAsync("the-key", "/v1/events?after=now&wait=60");
            await _host.Log.Waiting.Task.WaitAsync(ApiHost.Patience);

            if (expires)
                _host.Clock.Advance(TimeSpan.FromSeconds(5));
            else
                await _host.SendAsync("DELETE", "/v1/tenants/default/keys/k1");
            using var answer = await poll.WaitAsync(ApiHost.Patience);
            await answer.ProblemAsync(401, code);
            Assert.That(answer.Headers.WwwAuthenticate, Is.Not.Empty);
            Assert.That((_host.Audit.Entries[^1].Actor, _host.Audit.Entries[^1].Action), Is.EqualTo(("key/default/k1", "key.refused")));
        }
    }

    [Test]
    public async Task LongPoll_AnotherKeyChanges_GoesOn()
    {
        await AddAsync(Key("k1", "the-key"));
        _host.Log.Waiting = new();
        var poll = GetAsync("the-key", "/v1/events?after=now&wait=60");
        await _host.Log.Waiting.Task.WaitAsync(ApiHost.Patience);
        var (id, _) = await MakeAsync();
        using var deleted = await _host.SendAsync("DELETE", $"/v1/tenants/default/keys/{id}");

        Assert.That(poll.IsCompleted, Is.False);
        _host.Clock.Advance(TimeSpan.FromSeconds(60));
        using var answer = await poll.WaitAsync(ApiHost.Patience);
        Assert.That((int)answer.StatusCode, Is.EqualTo(200), await answer.Content.ReadAsStringAsync());
    }

    [TestCase("POST", "/v1/messages", "application/json", """{"from":"a@x.example","to":"b@x.example","text":"t"}""")]
    [TestCase("POST", "/v1/messages/batch", "application/x-ndjson", """{"from":"a@x.example","to":"b@x.example","text":"t"}""")]
    [TestCase("PUT", "/v1/accounts/a", "application/json", """{"sandbox":true}""")]
    [TestCase("PUT", "/v1/batches/b", "application/json", """{"suspended":true}""")]
    public async Task Body_StillComingWhenTheKeyIsDeleted_IsNotTaken(string method, string path, string type, string json)
    {
        await AddAsync(Key("k1", "the-key"));
        using var client = _host.NewClient("the-key");
        using var request = new HttpRequestMessage(new(method), path) { Content = new SlowContent(json, type, DeleteOnceItIsInUseAsync) };
        using var answer = await client.SendAsync(request).WaitAsync(ApiHost.Patience);
        await answer.ProblemAsync(401, "unauthorized");
        Assert.That((_host.Accounts.Accounts.Count, _host.Batches.Batches.Count), Is.EqualTo((0, 0)));

        async Task DeleteOnceItIsInUseAsync()
        {
            await _host.Keys.Used.Task.WaitAsync(ApiHost.Patience); // the route was let in
            _host.CurrentKeys.Swap(KeyDirectory.Empty);
        }
    }

    [Test]
    public async Task Key_Used_IsNotedAtMostOnceAMinute()
    {
        await AddAsync(Key("k1", "the-key"));
        for (var i = 0; i < 5; i++)
            Assert.That(await StatusAsync("the-key"), Is.EqualTo(200));
        Assert.That(_host.Keys.Uses, Has.Count.EqualTo(1));
        _host.Clock.Advance(TimeSpan.FromSeconds(59));
        await StatusAsync("the-key");
        Assert.That(_host.Keys.Uses, Has.Count.EqualTo(1));
        _host.Clock.Advance(TimeSpan.FromSeconds(1));
        await StatusAsync("the-key");
        Assert.That(_host.Keys.Uses.Select(u => u.At - _host.Keys.Uses[0].At), Is.EqualTo(new[] { 0, 60_000 }));
    }

    [Test]
    public async Task Key_Used_TheRequestDoesNotWaitForTheNote()
    {
        var never = new TaskCompletionSource();
        _host.Keys.NoteWritten = never.Task;
        await AddAsync(Key("k1", "the-key"));
        Assert.That(await StatusAsync("the-key").WaitAsync(ApiHost.Patience), Is.EqualTo(200));
        Assert.That(_host.Keys.Uses, Has.Count.EqualTo(1));
        never.SetResult();
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
            Assert.That((int)both.StatusCode, Is.EqualTo(422));
        }
    }

    [TestCase("10.1.2.3", true)]
    [TestCase("192.0.2.1", false)]
    [TestCase("198.51.100.9, 10.1.2.3", true)]
    [TestCase("10.1.2.3, 198.51.100.9", false)]
    [TestCase("10.1.2.3, 127.0.0.1", true)]
    [TestCase("10.1.2.3:5678", true)]
    [TestCase("192.0.2.1:5678, 10.1.2.3:80", true)]
    [TestCase("10.1.2.3:5678, 192.0.2.1:80", false)]
    [TestCase("[::ffff:10.1.2.3]:5678", true)]
    [TestCase("[2001:db8::1]:5678", false)]
    [TestCase("10.1.2.3:port", false)]
    [TestCase("10.1.2.3:99999", false)]
    [TestCase("not an address", false)]
    public async Task AllowList_BehindATrustedProxy_LooksAtTheLastAddressThatIsNotOurs(string forwarded, bool allowed)
    {
        await using var host = await ApiHost.StartAsync(
            new() { OnKestrel = true, Configure = api => api.TrustedProxies = ["127.0.0.0/8"] }
        );
        host.CurrentKeys.Swap(new([Key("k1", "the-key") with { AllowedNetworks = [IPNetwork.Parse("10.0.0.0/8")] }]));
        using var client = host.NewClient("the-key");
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/accounts");
        request.Headers.TryAddWithoutValidation("X-Forwarded-For", forwarded);
        using var answer = await client.SendAsync(request);
        Assert.That((int)answer.StatusCode, Is.EqualTo(allowed ? 200 : 403));
    }

    [Test]
    public async Task AllowList_NoTrustedProxy_DoesNotBelieveTheHeader()
    {
        await using var host = await ApiHost.StartAsync(new() { OnKestrel = true });
        host.CurrentKeys.Swap(
            new([
                Key("k1", "far-key") with
                {
                    AllowedNetworks = [IPNetwork.Parse("10.0.0.0/8")],
                },
                Key("k2", "near-key") with
                {
                    AllowedNetworks = [IPNetwork.Parse("127.0.0.1/32")],
                },
            ])
        );
        foreach (var (key, status) in ((string, int)[])[("far-key", 403), ("near-key", 200)])
        {
            using var client = host.NewClient(key);
            using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/accounts");
            request.Headers.TryAddWithoutValidation("X-Forwarded-For", "10.1.2.3");
            using var answer = await client.SendAsync(request);
            Assert.That((int)answer.StatusCode, Is.EqualTo(status), key);
        }
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
        var mine = _host.Add(
            new()
            {
                Key = default,
                Tenant = "default",
                Id = "a",
                Version = 1,
                Sandbox = true,
            }
        );
        _host.Add(
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
        Assert.That(_host.Wake.Drain().Unparked, Is.EqualTo(new[] { mine.Key }));
        Assert.That(_host.Dispatcher, Is.EqualTo(new[] { "report default" }), "the dispatcher itself is not the tenant's to hurry");
    }

    private static string? Detail(MailProxy.Pipeline.Storage.AuditEntry entry, string name) =>
        JsonElement.Parse(entry.After!).GetProperty(name).ToString();

    private static TenantKey Key(string id, string key) =>
        new()
        {
            Tenant = "default",
            Id = id,
            Name = id,
            Hash = TenantKey.HashOf(key),
            Scopes = KeyScopes.Send | KeyScopes.Read | KeyScopes.Manage,
            CreatedAt = 0,
        };

    private async Task AddAsync(TenantKey key)
    {
        await _host.Keys.CreateKeyAsync(key, "test");
        _host.CurrentKeys.Swap(new(_host.Keys.Keys));
    }

    private async Task<(string Id, string Key)> MakeAsync()
    {
        using var made = await _host.SendAsync("POST", "/v1/tenants/default/keys", """{"name":"n","scopes":["read"]}""");
        var body = await made.JsonAsync();
        return (body.GetProperty("id").GetString()!, body.GetProperty("key").GetString()!);
    }

    private async Task<int> StatusAsync(string key)
    {
        using var answer = await GetAsync(key, "/v1/accounts");
        return (int)answer.StatusCode;
    }

    private async Task<HttpResponseMessage> GetAsync(string key, string path)
    {
        using var client = _host.NewClient(key);
        return await client.GetAsync(path);
    }

    /// <summary>A body in the middle of which something happens.</summary>
    private sealed class SlowContent : HttpContent
    {
        private readonly byte[] _bytes;
        private readonly Func<Task> _inTheMiddle;

        public SlowContent(string text, string type, Func<Task> inTheMiddle)
        {
            (_bytes, _inTheMiddle) = (System.Text.Encoding.UTF8.GetBytes(text), inTheMiddle);
            Headers.TryAddWithoutValidation("Content-Type", type);
        }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(_bytes.AsMemory(0, 1));
            await stream.FlushAsync();
            await _inTheMiddle();
            await stream.WriteAsync(_bytes.AsMemory(1));
        }

        protected override bool TryComputeLength(out long length)
        {
            length = _bytes.Length;
            return true;
        }
    }
}
