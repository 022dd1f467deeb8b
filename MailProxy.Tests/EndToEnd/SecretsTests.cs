using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Accounts;
using MailProxy.Tests.Api;
using MailProxy.Tests.Support;
using Microsoft.AspNetCore.Http;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>
/// Every secret there is goes through the whole daemon, which says all that it can say; then it is looked for in what was printed, in every
/// answer, and in every file.
/// </summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
internal sealed class SecretsTests
{
    private readonly SecretSearch _search = new();
    private TempDirectory _directory = null!;
    private DaemonProcess _daemon = null!;
    private string _master = "";

    [SetUp]
    public async Task StartAsync()
    {
        var key = RandomNumberGenerator.GetBytes(MasterKey.Size);
        _master = Convert.ToBase64String(key);
        _search.Keep("master key", key, Encoding.UTF8.GetBytes(_master), Encoding.UTF8.GetBytes(Convert.ToHexStringLower(key)));
        _search.Keep("admin key", Encoding.UTF8.GetBytes("test-admin-key-0123456789"));
        _directory = new();
        _daemon = DaemonProcess.Start(
            _directory,
            ("MASTER_KEY", _master),
            ("LOG__LEVEL", "Verbose"),
            ("NETWORK__ALLOWED__0", "127.0.0.0/8")
        );
        await _daemon.ListeningAsync();
    }

    [TearDown]
    public async Task StopAsync()
    {
        await _daemon.DisposeAsync();
        _directory.Dispose();
    }

    [Test]
    public async Task Secrets_Everywhere_AreNeitherPrintedNorAnsweredNorInAnyFile()
    {
        await using var smtp = new ScriptedSmtpServer();
        await using var refusing = new ScriptedSmtpServer().Say("AUTH", [.. Enumerable.Repeat("535 5.7.8 no", 9)]);
        foreach (var server in (ScriptedSmtpServer[])[smtp, refusing])
            server.Extensions.Add("AUTH PLAIN LOGIN");
        await using var hook = await LoopbackWebhook.StartAsync();
        await using var web = await LoopbackFiles.StartAsync();
        web.Answer = context => context.Response.WriteAsync("a file");
        var files = $"http://127.0.0.1:{web.Port}/";

        var tenantKey = await ConfigureAsync(smtp.Port, refusing.Port, hook.Url, files);
        await MistakesAsync();
        _search.AssertNowhere(_directory, _daemon.Output);

        await CallAsync("POST", "/v1/messages", Message("one", "some", files));
        await CallAsync("POST", "/v1/messages", Message("two", "refusing", files));
        await hook.NextAsync(3);
        await smtp.Seen("AUTH");
        await refusing.Seen("AUTH");
        await _daemon.UntilAsync("one", "sent");
        await RoutesAsync(null);
        await RoutesAsync(tenantKey);
        _search.AssertNowhere(_directory, _daemon.Output);

        await _daemon.SignalAsync("TERM");
        Assert.That(await _daemon.ExitAsync(), Is.Zero);
        _search.AssertNowhere(_directory, _daemon.Output);
        Assert.That(_daemon.Output, Does.Contain("DBG").Or.Contain("VRB"), "it said all that it can say");
    }

    private async Task<string> ConfigureAsync(int smtp, int refusing, string hook, string files)
    {
        using var rsa = RSA.Create(2048);
        var pem = rsa.ExportRSAPrivateKeyPem();
        _search.Keep("dkim key", Encoding.UTF8.GetBytes(pem.Split('\n')[3]));
        var dkim = new JsonObject
        {
            ["domain"] = "example.com",
            ["selector"] = "s",
            ["private_key"] = pem,
        };
        await CallAsync("PUT", "/v1/accounts/some", Account(smtp, dkim));
        await CallAsync("PUT", "/v1/accounts/refusing", Account(refusing, null));
        foreach (var account in (string[])["some", "refusing"])
            await CallAsync("POST", $"/v1/accounts/{account}/test");

        await CallAsync(
            "PUT",
            "/v1/webhooks/some",
            $$$$"""{"url":"{{{{hook}}}}?token={{{{_search.Text("query of a webhook", inFiles: true)}}}}","secret":"{{{{_search.WebhookSecret()}}}}","auth":{"user":"u","password":"{{{{_search.Password("webhook")}}}}"}}"""
        );
        var made = JsonNode.Parse(
            await CallAsync(
                "PUT",
                "/v1/webhooks/made",
                $$$$"""{"url":"{{{{hook}}}}","auth":{"bearer":"{{{{_search.Text("webhook bearer")}}}}"}}""",
                secretly: true
            )
        )!;
        _search.KeepWebhook((string)made["secret"]!);
        _search.KeepWebhook((string)JsonNode.Parse(await CallAsync("POST", "/v1/webhooks/made/rotate-secret", secretly: true))!["secret"]!);
        foreach (var action in (string[])["test", "pause", "resume"])
            await CallAsync("POST", $"/v1/webhooks/some/{action}");

        await CallAsync(
            "PUT",
            "/v1/volumes/store",
            $$$$"""{"backend":"s3","config":{"bucket":"bucket","endpoint":"{{{{files}}}}","path_style":true,"access_key":"a","secret_key":"{{{{_search.Text("volume key")}}}}"}}"""
        );
        await CallAsync(
            "PUT",
            "/v1/volumes/some",
            $$$$"""{"backend":"http","config":{"base_url":"{{{{files}}}}","auth":{"user":"u","password":"{{{{_search.Password("volume")}}}}"}}}"""
        );
        await CallAsync(
            "PUT",
            "/v1/volumes/bearer",
            $$$$"""{"backend":"http","config":{"base_url":"{{{{files}}}}","auth":{"bearer":"{{{{_search.Text("volume bearer")}}}}"}}}"""
        );
        foreach (var volume in (string[])["store", "some", "bearer"])
            await CallAsync("POST", $"/v1/volumes/{volume}/test");

        await CallAsync(
            "PUT",
            "/v1/tenants/default",
            $$$$"""{"name":"{{{{SecretSearch.Marker}}}}","attachment_endpoint":{"url":"{{{{files}}}}","auth":{"header":"X-Key","value":"{{{{_search.Text("endpoint header")}}}}"}}}"""
        );
        var key = (string)
            JsonNode.Parse(
                await CallAsync("POST", "/v1/tenants/default/keys", """{"name":"k","scopes":["send","read","manage"]}""", secretly: true)
            )!["key"]!;
        _search.Keep("tenant key", Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes(key["mpt_".Length..]));
        return key;
    }

    // What is wrong is told without what was given.
    private async Task MistakesAsync()
    {
        await CallAsync(
            "PUT",
            "/v1/accounts/wrong",
            $$$$"""{"host":"h","port":25,"security":"tls","auth":{"user":"u","password":"{{{{_search.Text("password of a mistake")}}}}"},"surprise":1}"""
        );
        await CallAsync(
            "PUT",
            "/v1/accounts/wrong",
            $$$$"""{"host":"h","port":25,"security":"tls","auth":{"user":"u","password":["{{{{_search.Text("password in a list")}}}}"]}}"""
        );
        await CallAsync("PUT", "/v1/accounts/wrong", $$$$"""{"auth":{"password":"{{{{_search.Text("password in half an object")}}}}""");
        await CallAsync(
            "PUT",
            "/v1/webhooks/wrong",
            $$$$"""{"url":"http://u:{{{{_search.Text("password in a url")}}}}@example.com/","secret":"{{{{_search.Text("no webhook secret")}}}}"}"""
        );
        await CallAsync(
            "POST",
            "/v1/messages",
            $$$$"""{"from":"a","attachments":[{"filename":"a","source":"https://x.example/","auth":{"bearer":"{{{{_search.Text("bearer of a mistake")}}}}","surprise":1}}]}"""
        );
        foreach (
            var (name, value) in ((string, string)[])
                [
                    ("Authorization", "Bearer " + _search.Text("guess")),
                    ("X-API-Token", _search.Text("another guess")),
                    ("Authorization", "Basic " + _search.Text("basic guess")),
                ]
        )
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/accounts");
            request.Headers.TryAddWithoutValidation(name, value);
            using var stranger = new HttpClient { BaseAddress = _daemon.Http.BaseAddress };
            using var answer = await stranger.SendAsync(request);
            Assert.That((int)answer.StatusCode, Is.EqualTo(401));
            _search.Answered(await answer.Content.ReadAsStringAsync());
        }
    }

    private async Task RoutesAsync(string? key)
    {
        foreach (var (route, entry) in RouteTable.Entries.Concat(RouteTable.Variants).Where(r => r.Key.Split(' ')[0] != "DELETE"))
        {
            var parts = route.Split(' ');
            var path = parts[1]
                .Replace("/tenants/{id}", "/tenants/default")
                .Replace("/messages/{id}", "/messages/one")
                .Replace("{id:long}", "1")
                .Replace("{id}", "some")
                .Replace("{documentName}", "v1")
                .Replace("{token}", "no-token");
            // The settings stay as they are; and a key that this makes would be in the answer.
            if (
                parts[0] == "PUT"
                || path.EndsWith("/keys", StringComparison.Ordinal)
                || path.EndsWith("/rotate-secret", StringComparison.Ordinal)
            )
                continue;
            await CallAsync(parts[0], path, entry.Json, key: key, type: entry.MediaType);
        }
    }

    private string Account(int port, JsonObject? dkim) =>
        new JsonObject
        {
            ["host"] = "127.0.0.1",
            ["port"] = port,
            ["security"] = "none",
            ["auth"] = new JsonObject { ["user"] = "u", ["password"] = _search.Password("account") },
            ["dkim"] = dkim,
        }.ToJsonString();

    // Credentials of a message's own attachment lie in its body as the client sent it; docs/operate/security.md says so.
    private string Message(string id, string account, string files) =>
        $$$$"""{"id":"{{{{id}}}}","account":"{{{{account}}}}","from":"a@example.com","to":"b@example.com","text":"t","attachments":[{"filename":"a.txt","source":"{{{{files}}}}a.txt","auth":{"bearer":"{{{{_search.Text("attachment bearer", inFiles: true)}}}}"}},{"filename":"b.txt","source":"some:b.txt"}]}""";

    private async Task<string> CallAsync(
        string method,
        string path,
        string? json = null,
        bool secretly = false,
        string? key = null,
        string type = "application/json"
    )
    {
        using var request = new HttpRequestMessage(new(method), path)
        {
            Content = json is null ? null : new StringContent(json, Encoding.UTF8, type),
        };
        if (key is not null)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        using var answer = await _daemon.Http.SendAsync(request);
        var body = await answer.Content.ReadAsStringAsync();
        Assert.That((int)answer.StatusCode, Is.Not.EqualTo(500).And.Not.EqualTo(401), $"{method} {path}: {body}");
        if (!secretly)
            _search.Answered($"{body}\n{answer.Headers}");
        return body;
    }
}
