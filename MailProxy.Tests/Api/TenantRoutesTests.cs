using NUnit.Framework;

namespace MailProxy.Tests.Api;

[TestFixture]
public sealed class TenantRoutesTests
{
    private const string Whole = """
        {"name":"Acme","default_account":"main","active":false,"retain":"7d","limits":{"per_hour":500,"when_reached":"fail"},"expires_after":3600,"retry_minutes":[1,2.5],
         "large_files":{"threshold":10000000,"action":"link","volume":"files","lifetime_days":14},
         "attachment_endpoint":{"url":"https://files.example.com/x","auth":{"user":"ann","password":"hunter2"}}}
        """;

    private ApiHost _host = null!;

    [SetUp]
    public async Task StartAsync() => _host = await ApiHost.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _host.DisposeAsync();

    [Test]
    public async Task Put_New_201WithTheGetForm()
    {
        using var created = await _host.SendAsync("PUT", "/v1/tenants/acme", Whole);
        using var read = await _host.SendAsync("GET", "/v1/tenants/acme");
        var body = await created.Content.ReadAsStringAsync();
        using (Assert.EnterMultipleScope())
        {
            Assert.That((int)created.StatusCode, Is.EqualTo(201), body);
            Assert.That(created.Headers.Location?.ToString(), Is.EqualTo("/v1/tenants/acme"));
            Assert.That(await read.Content.ReadAsStringAsync(), Is.EqualTo(body));
            Assert.That(
                body,
                Does.StartWith(
                    """{"id":"acme","name":"Acme","active":false,"default_account":"main","limits":{"per_hour":500,"count":"recipients","when_reached":"fail"},"expires_after":3600,"retry_minutes":[1,2.5],"retain":"7d","large_files":{"threshold":10000000,"action":"link","volume":"files","lifetime_days":14},"attachment_endpoint":{"url":"https://files.example.com/x","auth":{"user":"ann","password_set":true}},"shares":{"""
                )
            );
        }
    }

    [Test]
    public async Task Put_TheGetForm_ChangesNothing()
    {
        using var created = await _host.SendAsync("PUT", "/v1/tenants/acme", Whole);
        var before = _host.CurrentTenants.Directory.Find("acme");
        using var again = await _host.SendAsync("PUT", "/v1/tenants/acme", await created.Content.ReadAsStringAsync());
        Assert.That((int)again.StatusCode, Is.EqualTo(200), await again.Content.ReadAsStringAsync());
        Assert.That(_host.CurrentTenants.Directory.Find("acme"), Is.EqualTo(before));
    }

    [TestCase("""{}""", "/name")]
    [TestCase("""{"name":""}""", "/name")]
    [TestCase("""{"name":"A","id":"other"}""", "/id")]
    [TestCase("""{"name":"A","limits":{"per_hour":0}}""", "/limits/per_hour")]
    [TestCase("""{"name":"A","limits":{"burst":5}}""", "/limits/burst")]
    [TestCase("""{"name":"A","expires_after":59}""", "/expires_after")]
    [TestCase("""{"name":"A","retry_minutes":[]}""", "/retry_minutes")]
    [TestCase("""{"name":"A","retry_minutes":5}""", "/retry_minutes")]
    [TestCase("""{"name":"A","retry_minutes":[1,0]}""", "/retry_minutes/1")]
    [TestCase("""{"name":"A","retry_minutes":["1"]}""", "/retry_minutes/0")]
    [TestCase("""{"name":"A","default_pool":"p","default_account":"a"}""", "/default_pool")]
    [TestCase("""{"name":"A","default_pool":"No Id"}""", "/default_pool")]
    [TestCase("""{"name":"A","default_account":"No Id"}""", "/default_account")]
    [TestCase("""{"name":"A","retain":"forever"}""", "/retain")]
    [TestCase("""{"name":"A","active":"yes"}""", "/active")]
    [TestCase("""{"name":"A","surprise":1}""", "/surprise")]
    [TestCase("""{"name":"A","large_files":{"action":"warn"}}""", "/large_files/threshold")]
    [TestCase("""{"name":"A","large_files":{"threshold":0,"action":"warn"}}""", "/large_files/threshold")]
    [TestCase("""{"name":"A","large_files":{"threshold":1,"action":"drop"}}""", "/large_files/action")]
    [TestCase("""{"name":"A","large_files":{"threshold":1,"action":"link"}}""", "/large_files/volume")]
    [TestCase("""{"name":"A","attachment_endpoint":{}}""", "/attachment_endpoint/url")]
    [TestCase("""{"name":"A","attachment_endpoint":{"url":"ftp://x.example/"}}""", "/attachment_endpoint/url")]
    [TestCase("""{"name":"A","attachment_endpoint":{"url":"https://u:p@x.example/"}}""", "/attachment_endpoint/url")]
    [TestCase("""{"name":"A","attachment_endpoint":{"url":"https://x.example/","auth":{}}}""", "/attachment_endpoint/auth")]
    [TestCase(
        """{"name":"A","attachment_endpoint":{"url":"https://x.example/","auth":{"user":"u"}}}""",
        "/attachment_endpoint/auth/password"
    )]
    [TestCase(
        """{"name":"A","attachment_endpoint":{"url":"https://x.example/","auth":{"user":"u","password":"p","bearer":"b"}}}""",
        "/attachment_endpoint/auth"
    )]
    [TestCase(
        """{"name":"A","attachment_endpoint":{"url":"https://x.example/","auth":{"header":"Host","value":"v"}}}""",
        "/attachment_endpoint/auth/header"
    )]
    [TestCase(
        """{"name":"A","attachment_endpoint":{"url":"https://x.example/","auth":{"header":"X-Key"}}}""",
        "/attachment_endpoint/auth/value"
    )]
    public async Task Put_Mistake_422WithItsPointer(string json, string pointer)
    {
        using var answer = await _host.SendAsync("PUT", "/v1/tenants/acme", json);
        Assert.That((int)answer.StatusCode, Is.EqualTo(422));
        Assert.That((await answer.JsonAsync()).Pointers(), Is.EqualTo(new[] { pointer }));
        Assert.That(_host.CurrentTenants.Directory.Find("acme"), Is.Null);
    }

    [TestCase("""{"url":"https://files.example.com/x"}""", null, null)]
    [TestCase("""{"url":"https://other.example.com/x"}""", null, null)]
    [TestCase("""{"url":"https://files.example.com/x","auth":{"user":"ann"}}""", null, "hunter2")]
    [TestCase("""{"url":"https://files.example.com/x","auth":null}""", null, null)]
    [TestCase("""{"url":"https://files.example.com/x","auth":{"user":"ann","password":"new"}}""", null, "new")]
    [TestCase("""{"url":"https://other.example.com/x","auth":{"user":"ann","password":"new"}}""", null, "new")]
    [TestCase("""{"url":"https://other.example.com/x","auth":{"user":"ann"}}""", "/attachment_endpoint/auth/password", "hunter2")]
    [TestCase("""{"url":"https://files.example.com/x","auth":{"user":"bob"}}""", "/attachment_endpoint/auth/password", "hunter2")]
    [TestCase("""{"url":"https://other.example.com/x","auth":null}""", null, null)]
    public async Task Put_EndpointAgain_KeepsTheSecretOnlyWhereItBelongs(string endpoint, string? pointer, string? password)
    {
        using var created = await _host.SendAsync("PUT", "/v1/tenants/acme", Whole);
        using var answer = await _host.SendAsync("PUT", "/v1/tenants/acme", $$"""{"name":"A","attachment_endpoint":{{endpoint}}}""");
        if (pointer is null)
            Assert.That((int)answer.StatusCode, Is.EqualTo(200), await answer.Content.ReadAsStringAsync());
        else
            Assert.That((await answer.ProblemAsync(422, "secret_required")).Pointers(), Is.EqualTo(new[] { pointer }));
        Assert.That(
            (_host.CurrentTenants.Directory.Find("acme")!.AttachmentEndpoint!.Auth as SourceAuth.Basic)?.Password,
            Is.EqualTo(password)
        );
    }

    [Test]
    public async Task List_Pages_ByIdWithoutGaps()
    {
        foreach (var id in (string[])["b", "a", "c"])
            (await _host.SendAsync("PUT", $"/v1/tenants/{id}", """{"name":"n"}""")).Dispose();
        using var first = await _host.SendAsync("GET", "/v1/tenants?limit=2");
        var page = await first.JsonAsync();
        using var second = await _host.SendAsync("GET", "/v1/tenants?limit=2&cursor=" + page.GetProperty("next_cursor").GetString());
        var rest = await second.JsonAsync();
        Assert.That(
            page.GetProperty("data")
                .EnumerateArray()
                .Concat(rest.GetProperty("data").EnumerateArray())
                .Select(t => t.GetProperty("id").GetString()),
            Is.EqualTo(new[] { "a", "b", "c", "default" })
        );
        Assert.That(rest.GetProperty("next_cursor").GetString(), Is.Null);
    }

    [Test]
    public async Task Delete_Tenant_204ThenUnknown()
    {
        (await _host.SendAsync("PUT", "/v1/tenants/acme", """{"name":"A"}""")).Dispose();
        _host.Forgotten.Clear();
        using var deleted = await _host.SendAsync("DELETE", "/v1/tenants/acme");
        Assert.That((int)deleted.StatusCode, Is.EqualTo(204));
        Assert.That(_host.Forgotten, Is.EqualTo(new[] { "acme" }), "what was fetched for it goes too");
        using var read = await _host.SendAsync("GET", "/v1/tenants/acme");
        await read.ProblemAsync(404, "not_found");
        using var used = await _host.SendAsync("GET", "/v1/accounts", headers: ("X-Tenant", "acme"));
        await used.ProblemAsync(404, "unknown_tenant");
        using var again = await _host.SendAsync("DELETE", "/v1/tenants/acme");
        await again.ProblemAsync(404, "not_found");
    }

    [Test]
    public async Task Put_New_FindsNothingThatWasFetchedForAnOldOne()
    {
        (await _host.SendAsync("PUT", "/v1/tenants/acme", """{"name":"A"}""")).Dispose();
        Assert.That(_host.Forgotten, Is.EqualTo(new[] { "acme" }), "in the turn in which it is made");
        (await _host.SendAsync("PUT", "/v1/tenants/acme", """{"name":"B"}""")).Dispose();
        Assert.That(_host.Forgotten, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Put_OldOneIsStillRemoved_409AndNothingIsMade()
    {
        NSubstitute.SubstituteExtensions.ReturnsForAnyArgs(_host.Removal.RemoveAsync("", 0), Task.FromResult(false));
        using var answer = await _host.SendAsync("PUT", "/v1/tenants/acme", """{"name":"A"}""");
        await answer.ProblemAsync(409, "tenant_being_removed");
        Assert.That(_host.CurrentTenants.Directory.Find("acme"), Is.Null);
        using var known = await _host.SendAsync("PUT", "/v1/tenants/default", """{"name":"A"}""");
        Assert.That((int)known.StatusCode, Is.EqualTo(200));
    }

    [Test]
    public async Task Put_TheUrlAsItWasShown_KeepsItsQuery()
    {
        const string Shown = """{"name":"A","attachment_endpoint":{"url":"https://files.example.com/x?token=***"}}""";
        (await _host.SendAsync("PUT", "/v1/tenants/acme", Shown.Replace("***", "hunter2"))).Dispose();
        using var read = await _host.SendAsync("GET", "/v1/tenants/acme");
        Assert.That(await read.Content.ReadAsStringAsync(), Does.Contain("x?token=***").And.Not.Contain("hunter2"));
        using var again = await _host.SendAsync("PUT", "/v1/tenants/acme", Shown);
        Assert.That((int)again.StatusCode, Is.EqualTo(200));
        Assert.That(
            _host.CurrentTenants.Directory.Find("acme")!.AttachmentEndpoint!.Url.OriginalString,
            Is.EqualTo("https://files.example.com/x?token=hunter2")
        );
    }

    [Test]
    public async Task Delete_InUse_409()
    {
        (await _host.SendAsync("PUT", "/v1/tenants/acme", """{"name":"A"}""")).Dispose();
        _host.Configuration.InUse.Add("acme");
        using var answer = await _host.SendAsync("DELETE", "/v1/tenants/acme");
        await answer.ProblemAsync(409, "in_use");
    }

    [Test]
    public async Task Delete_Default_409()
    {
        using var answer = await _host.SendAsync("DELETE", "/v1/tenants/default");
        await answer.ProblemAsync(409, "default_tenant");
    }

    [Test]
    public async Task XTenant_AccountsOfTwoTenants_AreApartAndStarListsBoth()
    {
        (await _host.SendAsync("PUT", "/v1/tenants/acme", """{"name":"A"}""")).Dispose();
        const string Account = """{"host":"smtp.example.com","port":25,"security":"none"}""";
        foreach (var tenant in (string[])["acme", "default"])
        {
            using var put = await _host.SendAsync("PUT", "/v1/accounts/main", Account, headers: ("X-Tenant", tenant));
            Assert.That((int)put.StatusCode, Is.EqualTo(201));
        }

        Assert.That(await TenantsAsync("/v1/accounts"), Is.EqualTo(new[] { "default" }));
        Assert.That(await TenantsAsync("/v1/accounts?tenant=acme"), Is.EqualTo(new[] { "acme" }));
        Assert.That(await TenantsAsync("/v1/accounts?tenant=*"), Is.EqualTo(new[] { "acme", "default" }));
        using var unknown = await _host.SendAsync("GET", "/v1/accounts?tenant=other");
        await unknown.ProblemAsync(404, "unknown_tenant");
    }

    [Test]
    public async Task Put_Inactive_ItsAccountsSayWhyTheyWait()
    {
        (await _host.SendAsync("PUT", "/v1/tenants/acme", """{"name":"A"}""")).Dispose();
        (
            await _host.SendAsync(
                "PUT",
                "/v1/accounts/main",
                """{"host":"smtp.example.com","port":25,"security":"none"}""",
                headers: ("X-Tenant", "acme")
            )
        ).Dispose();
        (await _host.SendAsync("PUT", "/v1/tenants/acme", """{"name":"A","active":false}""")).Dispose();
        using var account = await _host.SendAsync("GET", "/v1/accounts/main", headers: ("X-Tenant", "acme"));
        Assert.That(
            (await account.JsonAsync()).GetProperty("waiting_for").GetProperty("reason").GetString(),
            Is.EqualTo("tenant_suspended")
        );
    }

    [Test]
    public async Task Submit_XTenant_GoesToThatTenant()
    {
        (await _host.SendAsync("PUT", "/v1/tenants/acme", """{"name":"A"}""")).Dispose();
        string? seen = null;
        await using var host = await ApiHost.StartAsync(
            new()
            {
                Behind = submission =>
                {
                    seen = submission.Tenant;
                    ApiHost.StoreAll(submission);
                    return ValueTask.CompletedTask;
                },
            }
        );
        (await host.SendAsync("PUT", "/v1/tenants/acme", """{"name":"A"}""")).Dispose();
        using var answer = await host.SendAsync(
            "POST",
            "/v1/messages",
            """{"from":"a@x.example","to":"b@x.example","text":"t"}""",
            headers: ("X-Tenant", "acme")
        );
        Assert.That(((int)answer.StatusCode, seen), Is.EqualTo((202, "acme")));
    }

    private async Task<string?[]> TenantsAsync(string path)
    {
        using var answer = await _host.SendAsync("GET", path);
        return [.. (await answer.JsonAsync()).GetProperty("data").EnumerateArray().Select(a => a.GetProperty("tenant").GetString())];
    }
}
