using System.Text.Json;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Accounts;
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

    private SmtpAccount Stored(string id = "main") => _host.Configuration.Values<SmtpAccount>().Single(a => a.Id == id);

    [Test]
    public async Task Put_New_201WithDefaultsAndWithoutTheSecret()
    {
        using var answer = await PutAsync(Plain);
        var body = await answer.Content.ReadAsStringAsync();
        var expected = JsonNode.Parse(
            """
            {"id":"main","tenant":"default","host":"smtp.example","port":587,"security":"starttls","verify_certificate":true,"auth":{"user":"u","password_set":true},
             "max_connections":8,"max_messages_per_connection":100,"max_recipients":50,"pipelining":"next","chunking":0,"circuit":{"state":"closed"},"pipelining_now":"next","in_flight":2,
             "from_allowed":[],"paused":false}
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
            ["pipelining"] = "envelope",
            ["chunking"] = 16,
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
                        Pipelining: SmtpPipelining.Envelope,
                        Chunking: 16,
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
            Assert.That(json.GetProperty("pipelining").GetString(), Is.EqualTo("envelope"));
            Assert.That(json.GetProperty("chunking").GetInt32(), Is.EqualTo(16));
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

    [Test]
    public async Task PutSandbox_NoHost_201()
    {
        using var answer = await PutAsync("""{"sandbox":true,"max_connections":2}""");
        Assert.That((int)answer.StatusCode, Is.EqualTo(201));
        Assert.That(Stored() is { Sandbox: true, Host: null, MaxConnections: 2 });
        Assert.That((await answer.JsonAsync()).TryGetProperty("host", out _), Is.False);
    }
}
