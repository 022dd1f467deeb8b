using System.Text.Json;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Storage;
using NUnit.Framework;

namespace MailProxy.Tests.Api;

[TestFixture]
public sealed class AccountRoutesTests
{
    private const string Plain =
        """{"host":"smtp.example","port":587,"security":"starttls","auth":{"user":"u","password":"s3cr3t-words"}}""";

    private ApiHost _host = null!;

    [SetUp]
    public async Task StartAsync() => _host = await ApiHost.StartAsync();

    [TearDown]
    public ValueTask StopAsync() => _host.DisposeAsync();

    private Task<HttpResponseMessage> PutAsync(string body, string id = "main") => _host.SendAsync("PUT", $"/v1/accounts/{id}", body);

    private SmtpAccount Stored(string id = "main") => _host.Accounts.Accounts.Single(a => a.Id == id);

    [Test]
    public async Task Put_New_201WithDefaultsAndWithoutTheSecret()
    {
        using var answer = await PutAsync(Plain);
        var body = await answer.Content.ReadAsStringAsync();
        var expected = JsonNode.Parse(
            """
            {"id":"main","tenant":"default","host":"smtp.example","port":587,"security":"starttls","verify_certificate":true,"auth":{"user":"u","password_set":true},
             "max_connections":8,"max_messages_per_connection":100,"max_recipients":50,"from_allowed":[],"paused":false}
            """
        );

        using (Assert.EnterMultipleScope())
        {
            Assert.That((int)answer.StatusCode, Is.EqualTo(201), body);
            Assert.That(answer.Headers.Location?.OriginalString, Is.EqualTo("/v1/accounts/main"));
            Assert.That(JsonNode.DeepEquals(JsonNode.Parse(body), expected), body);
            Assert.That(Stored().Password, Is.EqualTo("s3cr3t-words"));
            Assert.That(_host.Current.Directory.Find("default", "main"), Is.Not.Null, "acts at once");
        }
    }

    [Test]
    public async Task Put_Everything_ReachesTheStoreAndComesBack()
    {
        using var key = System.Security.Cryptography.RSA.Create(2048);
        var body = new JsonObject
        {
            ["host"] = "2001:db8::1",
            ["port"] = 465,
            ["security"] = "tls",
            ["verify_certificate"] = false,
            ["limits"] = JsonNode.Parse(
                """{"per_second":5,"per_minute":100,"per_hour":500,"per_day":1000,"burst":9,"count":"messages","when_reached":"fail"}"""
            ),
            ["max_connections"] = 2,
            ["max_messages_per_connection"] = 3,
            ["max_recipients"] = 4,
            ["dkim"] = new JsonObject
            {
                ["domain"] = "x.example",
                ["selector"] = "s1",
                ["private_key"] = key.ExportPkcs8PrivateKeyPem(),
            },
            ["from_allowed"] = JsonNode.Parse("""["a@x.example","@y.example"]"""),
            ["large_files"] = JsonNode.Parse("""{"threshold":1000,"action":"link","volume":"files","lifetime_days":3}"""),
            ["description"] = "the big one",
        };
        using var answer = await PutAsync(body.ToJsonString());
        var json = await answer.JsonAsync();

        Assert.That((int)answer.StatusCode, Is.EqualTo(201), json.ToString());
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Stored().Limits, Is.EqualTo(new AccountLimits(5, 100, 500, 1_000, 9, LimitCount.Messages, LimitReached.Fail)));
            Assert.That(
                Stored()
                    is {
                        Host: "2001:db8::1",
                        Port: 465,
                        Security: SmtpSecurity.Tls,
                        VerifyCertificate: false,
                        MaxConnections: 2,
                        MaxMessagesPerConnection: 3,
                        MaxRecipients: 4,
                        User: null,
                        Password: null
                    }
            );
            Assert.That(Stored().LargeFiles, Is.EqualTo(new LargeFiles(1_000, LargeFileAction.Link, "files", 3)));
            Assert.That(
                json.GetProperty("large_files").ToString(),
                Is.EqualTo("""{"threshold":1000,"action":"link","volume":"files","lifetime_days":3}""")
            );
            Assert.That(Stored().FromAllowed, Is.EqualTo(new[] { "a@x.example", "@y.example" }));
            Assert.That(Stored().Dkim!.PrivateKey, Does.Contain("PRIVATE KEY"));
            Assert.That(
                json.GetProperty("dkim").ToString(),
                Is.EqualTo("""{"domain":"x.example","selector":"s1","private_key_set":true}""")
            );
            Assert.That(json.GetProperty("limits").GetProperty("when_reached").GetString(), Is.EqualTo("fail"));
            Assert.That(json.ToString(), Does.Not.Contain("PRIVATE KEY"));
        }
    }

    [Test]
    public async Task Put_WhatGetAnswered_KeepsEverything()
    {
        using (await PutAsync(Plain)) { }
        using var read = await _host.SendAsync("GET", "/v1/accounts/main");
        var form = (await read.Content.ReadAsStringAsync()).TrimEnd('\n');
        using var answer = await PutAsync(form);

        Assert.That((int)answer.StatusCode, Is.EqualTo(200), await answer.Content.ReadAsStringAsync());
        Assert.That((await answer.Content.ReadAsStringAsync()).TrimEnd('\n'), Is.EqualTo(form));
        Assert.That(Stored().Password, Is.EqualTo("s3cr3t-words"));
        Assert.That(answer.Headers.Location, Is.Null);
    }

    [TestCase("""{"host":"smtp.example","port":587,"security":"tls","auth":{"user":"u"}}""", "s3cr3t-words")]
    [TestCase("""{"host":"SMTP.example","port":587,"security":"tls","auth":{"user":"u"}}""", "s3cr3t-words")]
    [TestCase("""{"host":"smtp.example","port":587,"security":"tls","auth":{"user":"u","password":null}}""", null)]
    [TestCase("""{"host":"smtp.example","port":587,"security":"tls","auth":{"user":"u","password":"new"}}""", "new")]
    [TestCase("""{"host":"other.example","port":25,"security":"tls","auth":{"user":"v","password":"new"}}""", "new")]
    [TestCase("""{"host":"other.example","port":25,"security":"tls","auth":{"user":"v","password":null}}""", null)]
    [TestCase("""{"host":"other.example","port":25,"security":"tls"}""", null)]
    public async Task Put_Again_SecretKeptReplacedOrRemoved(string body, string? password)
    {
        using (await PutAsync(Plain)) { }
        using var answer = await PutAsync(body);
        Assert.That((int)answer.StatusCode, Is.EqualTo(200), await answer.Content.ReadAsStringAsync());
        Assert.That(Stored().Password, Is.EqualTo(password));
    }

    [TestCase("""{"host":"other.example","port":587,"security":"starttls","auth":{"user":"u"}}""")]
    [TestCase("""{"host":"smtp.example","port":588,"security":"starttls","auth":{"user":"u"}}""")]
    [TestCase("""{"host":"smtp.example","port":587,"security":"starttls","auth":{"user":"v"}}""")]
    public async Task Put_MovedWithoutSecret_422SecretRequired(string body)
    {
        using (await PutAsync(Plain)) { }
        using var answer = await PutAsync(body);
        var problem = await answer.ProblemAsync(422, "secret_required");
        Assert.That(problem.Pointers(), Is.EqualTo(new[] { "/auth/password" }));
        Assert.That(Stored() is { Host: "smtp.example", Port: 587, User: "u" });
    }

    [TestCase("starttls", true, "none", true, false)]
    [TestCase("starttls", true, "starttls_when_available", true, false)]
    [TestCase("starttls", true, "starttls", false, false)]
    [TestCase("tls", true, "none", true, false)]
    [TestCase("tls", true, "tls", false, false)]
    [TestCase("starttls_when_available", true, "none", true, false)]
    [TestCase("starttls", true, "tls", true, true)]
    [TestCase("tls", true, "starttls", true, true)]
    [TestCase("none", true, "starttls", true, true)]
    [TestCase("starttls_when_available", false, "starttls", false, true)]
    [TestCase("starttls", false, "starttls", true, true)]
    public async Task Put_ConnectionBecomesLessSafe_NeedsThePasswordAgain(
        string before,
        bool checkedBefore,
        string now,
        bool checkedNow,
        bool kept
    )
    {
        using (await PutAsync(Body(before, checkedBefore, "s3cr3t-words"))) { }

        using var answer = await PutAsync(Body(now, checkedNow, null));
        if (!kept)
            Assert.That((await answer.ProblemAsync(422, "secret_required")).Pointers(), Is.EqualTo(new[] { "/auth/password" }));
        Assert.That((int)answer.StatusCode, Is.EqualTo(kept ? 200 : 422));
        Assert.That((Stored().Password, Stored().VerifyCertificate), Is.EqualTo(("s3cr3t-words", kept ? checkedNow : checkedBefore)));

        using var again = await PutAsync(Body(now, checkedNow, "new"));
        Assert.That(Stored().Password, Is.EqualTo("new"));

        static string Body(string security, bool verify, string? password) =>
            JsonSerializer.Serialize(
                new
                {
                    host = "smtp.example",
                    port = 587,
                    security,
                    verify_certificate = verify,
                    auth = password is null ? (object)new { user = "u" } : new { user = "u", password },
                }
            );
    }

    [TestCase("""{}""", "/host required,/port required,/security required")]
    [TestCase("""{"host":"a b","port":0,"security":"ssl"}""", "/host invalid_host,/port out_of_range,/security invalid_choice")]
    [TestCase("""{"host":"x\r\nQUIT","port":25,"security":"none"}""", "/host invalid_characters")]
    [TestCase("""{"host":5,"port":"25","security":1}""", "/host invalid_type,/port out_of_range,/security invalid_choice")]
    [TestCase("""{"host":"x","port":65536,"security":"none"}""", "/port out_of_range")]
    [TestCase("""{"host":"x","port":25.5,"security":"none"}""", "/port out_of_range")]
    [TestCase("""{"host":"x","port":25,"security":"none","verify_certificate":"yes"}""", "/verify_certificate invalid_type")]
    [TestCase("""{"host":"x","port":25,"security":"none","surprise":1,"a/b~":2}""", "/surprise unknown_field,/a~1b~0 unknown_field")]
    [TestCase("""{"host":"x","port":25,"security":"none","auth":{}}""", "/auth/user required")]
    [TestCase("""{"host":"x","port":25,"security":"none","auth":[]}""", "/auth invalid_type")]
    [TestCase("""{"host":"x","port":25,"security":"none","auth":{"user":"u","password":""}}""", "/auth/password required")]
    [TestCase(
        """{"host":"x","port":25,"security":"none","auth":{"user":"u","oauth2":{"token_url":"https://x"}}}""",
        "/auth/oauth2 not_supported"
    )]
    [TestCase("""{"host":"x","port":25,"security":"none","auth":{"user":"u","pass":"p"}}""", "/auth/pass unknown_field")]
    [TestCase(
        """{"host":"x","port":25,"security":"none","limits":{"per_hour":0,"per_day":-1,"burst":5}}""",
        "/limits/per_hour out_of_range,/limits/per_day out_of_range,/limits/burst needs_per_second"
    )]
    [TestCase(
        """{"host":"x","port":25,"security":"none","limits":{"count":"bytes","when_reached":"drop","per_week":1}}""",
        "/limits/count invalid_choice,/limits/when_reached invalid_choice,/limits/per_week unknown_field"
    )]
    [TestCase(
        """{"host":"x","port":25,"security":"none","max_connections":101,"max_messages_per_connection":0,"max_recipients":1001}""",
        "/max_connections out_of_range,/max_messages_per_connection out_of_range,/max_recipients out_of_range"
    )]
    [TestCase(
        """{"host":"x","port":25,"security":"none","dkim":{}}""",
        "/dkim/domain required,/dkim/selector required,/dkim/private_key required"
    )]
    [TestCase(
        """{"host":"x","port":25,"security":"none","dkim":{"domain":"x.example","selector":"s","private_key":"no pem"}}""",
        "/dkim/private_key invalid_key"
    )]
    [TestCase(
        """{"host":"x","port":25,"security":"none","from_allowed":["a@x.example","nobody",7,"@"]}""",
        "/from_allowed/1 invalid_entry,/from_allowed/2 invalid_entry,/from_allowed/3 invalid_entry"
    )]
    [TestCase("""{"sandbox":true,"host":"x","auth":{"user":"u"}}""", "/host not_allowed,/auth not_allowed")]
    [TestCase("""{"host":"x","port":25,"security":"none","id":"other"}""", "/id mismatch")]
    public async Task Put_Mistakes_EachWithPointerAndCode(string body, string expected)
    {
        using var answer = await PutAsync(body);
        var problem = await answer.JsonAsync();
        Assert.That((int)answer.StatusCode, Is.EqualTo(422), problem.ToString());
        Assert.That(
            problem.GetProperty("errors").EnumerateArray().Select(e => $"{e.GetProperty("pointer")} {e.GetProperty("code")}"),
            Is.EquivalentTo(expected.Split(','))
        );
        Assert.That(_host.Accounts.Accounts, Is.Empty);
    }

    [TestCase("{")]
    [TestCase("[]")]
    [TestCase("""{"host":"a","host":"b"}""")]
    [TestCase("""{"host":"\ud800","port":25,"security":"none"}""")]
    public async Task Put_Malformed_400(string body)
    {
        using var answer = await PutAsync(body);
        await answer.ProblemAsync(400, "malformed");
    }

    [TestCase("""{"auth":{"user":"u","password":"s3cr3t-words" oops""")]
    [TestCase("""{"host":"x","port":25,"security":"none","auth":{"user":"u","password":"s3cr3t-words\r\n"}}""")]
    [TestCase("""{"host":"x","port":25,"security":"none","auth":{"user":"u","password":{"a":"s3cr3t-words"}}}""")]
    public async Task Put_Refused_SecretIsNeitherEchoedNorLogged(string body)
    {
        using var answer = await PutAsync(body);
        Assert.That((int)answer.StatusCode, Is.AnyOf(400, 422));
        Assert.That(await answer.Content.ReadAsStringAsync(), Does.Not.Contain("s3cr3t"));
        Assert.That(_host.Logged.Lines.Select(l => l.Text), Has.None.Contains("s3cr3t"));
    }

    [TestCase("UPPER")]
    [TestCase("-first")]
    [TestCase("with.dot")]
    [TestCase("a%0A")]
    public async Task Put_WrongId_422(string id)
    {
        using var answer = await PutAsync(Plain, id);
        await answer.ProblemAsync(422, "invalid_id");
    }

    [Test]
    public async Task Put_TooLarge_413()
    {
        using var answer = await PutAsync($$"""{"description":"{{new string('x', 300_000)}}"}""");
        await answer.ProblemAsync(413, "too_large");
    }

    [Test]
    public async Task Put_NotJson_415()
    {
        using var answer = await _host.SendAsync("PUT", "/v1/accounts/main", Plain, "text/plain");
        await answer.ProblemAsync(415, "unsupported_media_type");
    }

    [Test]
    public async Task Put_StoreCannotWrite_503()
    {
        _host.Accounts.Fault = new StoreUnavailableException("disk full");
        using var answer = await PutAsync(Plain);
        await answer.ProblemAsync(503, "store_unavailable");
    }

    [Test]
    public async Task Put_Replaced_EndsTheBackOff()
    {
        using (await PutAsync(Plain)) { }
        _host.Wake.Drain();
        using (await PutAsync(Plain)) { }
        Assert.That(_host.Wake.Drain().Unparked, Is.EqualTo(new[] { Stored().Key }));
    }

    [Test]
    public async Task PutSandbox_NoHost_201()
    {
        using var answer = await PutAsync("""{"sandbox":true,"max_connections":2}""");
        Assert.That((int)answer.StatusCode, Is.EqualTo(201));
        Assert.That(Stored() is { Sandbox: true, Host: null, MaxConnections: 2 });
        Assert.That((await answer.JsonAsync()).TryGetProperty("host", out _), Is.False);
    }

    [Test]
    public async Task List_Pages_ById()
    {
        foreach (var id in (string[])["c", "a", "b"])
            using (await PutAsync(Plain, id)) { }
        using var first = await _host.SendAsync("GET", "/v1/accounts?limit=2");
        var page = await first.JsonAsync();
        using var second = await _host.SendAsync("GET", $"/v1/accounts?limit=2&cursor={page.GetProperty("next_cursor").GetString()}");
        var rest = await second.JsonAsync();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                page.GetProperty("data").EnumerateArray().Select(a => a.GetProperty("id").GetString()),
                Is.EqualTo(new[] { "a", "b" })
            );
            Assert.That(rest.GetProperty("data").EnumerateArray().Select(a => a.GetProperty("id").GetString()), Is.EqualTo(new[] { "c" }));
            Assert.That(rest.GetProperty("next_cursor").GetString(), Is.Null);
        }
    }

    [Test]
    public async Task Get_Unknown_404()
    {
        using var answer = await _host.SendAsync("GET", "/v1/accounts/none");
        await answer.ProblemAsync(404, "not_found");
    }

    [Test]
    public async Task Get_LaneWaits_SaysWhy()
    {
        using (await PutAsync(Plain)) { }
        _host.Lanes[Stored().Key] = new("account_backoff", 1_893_553_445_000, "421 too many connections");
        using var answer = await _host.SendAsync("GET", "/v1/accounts/main");
        Assert.That(
            (await answer.JsonAsync()).GetProperty("waiting_for").ToString(),
            Is.EqualTo(
                """{"reason":"account_backoff","until":"2030-01-02T03:04:05Z","detail":"smtp.example:587: 421 too many connections"}"""
            )
        );
    }

    [Test]
    public async Task Delete_UnusedInUseUnknown_204And409And404()
    {
        using (await PutAsync(Plain)) { }
        _host.Accounts.InUse.Add("main");
        using var inUse = await _host.SendAsync("DELETE", "/v1/accounts/main");
        await inUse.ProblemAsync(409, "in_use");
        _host.Accounts.InUse.Clear();
        using var deleted = await _host.SendAsync("DELETE", "/v1/accounts/main");
        Assert.That((int)deleted.StatusCode, Is.EqualTo(204));
        Assert.That(_host.Current.Directory.All, Is.Empty);
        using var unknown = await _host.SendAsync("DELETE", "/v1/accounts/main");
        await unknown.ProblemAsync(404, "not_found");
    }

    [Test]
    public async Task PauseResume_Known_ActsAtOnceAndWakes()
    {
        using (await PutAsync(Plain)) { }
        using var paused = await _host.SendAsync("POST", "/v1/accounts/main/pause");
        Assert.That((await paused.JsonAsync()).GetProperty("waiting_for").GetProperty("reason").GetString(), Is.EqualTo("account_paused"));
        Assert.That(_host.Current.Directory.Find("default", "main")!.Paused);
        _host.Wake.Drain();

        using var resumed = await _host.SendAsync("POST", "/v1/accounts/main/resume");
        Assert.That((await resumed.JsonAsync()).GetProperty("paused").GetBoolean(), Is.False);
        Assert.That(_host.Wake.Drain().Unparked, Is.EqualTo(new[] { Stored().Key }));
    }

    [TestCase("pause")]
    [TestCase("resume")]
    [TestCase("test")]
    public async Task Action_Unknown_404(string action)
    {
        using var answer = await _host.SendAsync("POST", $"/v1/accounts/none/{action}");
        await answer.ProblemAsync(404, "not_found");
    }

    [Test]
    public async Task Test_Refused_200SaysWhere()
    {
        using (await PutAsync(Plain)) { }
        _host.TestAccount = account =>
            new(false, "authenticate", true, "Tls13", false, ["AUTH PLAIN"], 535, $"bad credentials for {account.User}", 12.5);
        using var answer = await _host.SendAsync("POST", "/v1/accounts/main/test");
        Assert.That((int)answer.StatusCode, Is.EqualTo(200));
        Assert.That(
            (await answer.Content.ReadAsStringAsync()).TrimEnd('\n'),
            Is.EqualTo(
                """{"ok":false,"stage":"authenticate","secure":true,"tls":"Tls13","authenticated":false,"extensions":["AUTH PLAIN"],"smtp_code":535,"error":"bad credentials for u","milliseconds":12.5}"""
            )
        );
    }
}
