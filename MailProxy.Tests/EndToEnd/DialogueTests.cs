using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>What was said with the server, as whoever asks for a message sees it.</summary>
[Parallelizable(ParallelScope.Self)]
internal sealed class DialogueTests
{
    private const string Password = "pass-word-4711";

    private TempDirectory _directory = null!;

    [SetUp]
    public void MakeDirectory() => _directory = new();

    [TearDown]
    public void RemoveDirectory() => _directory.Dispose();

    [Test]
    public async Task Deferred_ThenSent_TheFailedAttemptIsShownAndSurvivesARestart()
    {
        await using var server = new ScriptedSmtpServer().Say("RCPT", "450 4.2.0 greylisted");
        string id;
        await using (var daemon = await StartAsync(server))
        {
            id = await daemon.PostAsync(Message("ann@example.org"));
            await daemon.UntilAsync(id, EventType.MessageDeferred);
            Assert.That(await daemon.SendAsync(HttpMethod.Post, $"/v1/messages/{id}/retry"), Is.EqualTo(HttpStatusCode.OK));
            await daemon.UntilAsync(id, EventType.MessageSent);
            await daemon.StopAsync();
        }

        await using var again = await StartAsync(server);
        var attempts = (await again.GetAsync($"/v1/messages/{id}/attempts"))["data"]!.AsArray();

        var attempt = attempts.Single()!;
        Assert.That(
            ((int)attempt["number"]!, (bool)attempt["counted"]!, (string)attempt["account"]!, (string)attempt["outcome"]!),
            Is.EqualTo((1, true, "relay", "deferred"))
        );
        Assert.That((string)attempt["address"]!, Is.EqualTo($"127.0.0.1:{server.Port}"));
        var lines = attempt["lines"]!.AsArray().Select(static line => (string)line!["line"]!);
        Assert.That(lines, Does.Contain("C: RCPT TO:<ann@example.org>").And.Contain("S: 450 4.2.0 greylisted"));
    }

    [Test]
    public async Task Sent_AtOnce_HasNone()
    {
        await using var server = new ScriptedSmtpServer();
        await using var daemon = await StartAsync(server);
        var id = await daemon.PostAsync(Message("ann@example.org"));
        await daemon.UntilAsync(id, EventType.MessageSent);

        Assert.That((await daemon.GetAsync($"/v1/messages/{id}/attempts"))["data"]!.AsArray(), Is.Empty);
        Assert.That(await daemon.SendAsync(HttpMethod.Get, "/v1/messages/unknown/attempts"), Is.EqualTo(HttpStatusCode.NotFound));
    }

    [TestCase("PLAIN")]
    [TestCase("LOGIN")]
    [TestCase("CRAM-MD5")]
    [Category(TestDaemon.NamesFiles)]
    public async Task Login_Refused_IsShownAsTheAccountsTroubleWithoutAnyCredential(string mechanism)
    {
        await using var server = new ScriptedSmtpServer(heard =>
            heard.Verb switch
            {
                "EHLO" => $"250-odd\r\n250 AUTH {mechanism}",
                "AUTH" when mechanism != "PLAIN" => "334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+",
                "SASL" when mechanism == "LOGIN" && heard.Line == "dGhlLXVzZXI=" => "334 UGFzc3dvcmQ6",
                "AUTH" or "SASL" => $"535 5.7.8 {Password} is wrong, so is {heard.Line.Split(' ')[^1]}",
                _ => null,
            }
        );
        await using var daemon = await StartAsync(server, auth: new { user = "the-user", password = Password });
        var id = await daemon.PostAsync(Message("ann@example.org"));
        var attempts = await Eventually.BecomesAsync(
            () => daemon.GetAsync($"/v1/messages/{id}/attempts"),
            static seen => seen["data"]!.AsArray().Count > 0
        );
        var attempt = attempts["data"]![0]!;

        Assert.That(((bool)attempt["counted"]!, (string)attempt["outcome"]!), Is.EqualTo((false, "account")));
        Assert.That(attempt["lines"]!.AsArray().Select(static line => (string)line!["line"]!), Does.Contain("S: 535 (redacted)"));
        var shown = new List<string> { attempts.ToJsonString() };
        foreach (var path in (string[])[$"messages/{id}", $"messages/{id}/explain", "accounts/relay", "accounts/relay/explain", "events"])
            shown.Add(await daemon.Http.GetStringAsync($"/v1/{path}"));
        await daemon.StopAsync();
        var said = server
            .Commands.Where(static heard => heard.Verb is "AUTH" or "SASL")
            .SelectMany(static heard => heard.Line.Split(' '))
            .Where(word => word.Length > 3 && word != "AUTH" && word != mechanism)
            .Append(Password)
            .ToArray();
        Assert.That(said, Has.Length.GreaterThan(1));
        var stored = string.Concat(
            Directory
                .GetFiles(_directory, "mailproxy.db*")
                .Select(static file => System.Text.Encoding.Latin1.GetString(File.ReadAllBytes(file)))
        );
        Assert.That(stored, Does.Contain("(redacted)"), "the search finds what is there");
        foreach (var secret in said)
        {
            Assert.That(string.Concat(shown), Does.Not.Contain(secret));
            Assert.That(stored, Does.Not.Contain(secret));
        }
    }

    [Test]
    public async Task Another_TenantsMessage_IsNotFoundAndErasureAndRemovalTakeItAway()
    {
        await using var server = new ScriptedSmtpServer().Say("RCPT", "550 5.1.1 who is ann.secret@example.org?");
        await using var daemon = await StartAsync(server);
        using var stranger = daemon.As(await daemon.MakeTenantAsync("acme"));
        var id = await daemon.PostAsync(Message("ann.secret@example.org"));
        await daemon.UntilAsync(id, EventType.MessageFailed);
        Assert.That((await daemon.GetAsync($"/v1/messages/{id}/attempts"))["data"]!.AsArray(), Has.Count.EqualTo(1));

        using var answer = await stranger.GetAsync($"/v1/messages/{id}/attempts");
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.NotFound));

        Assert.That(
            await daemon.SendAsync(HttpMethod.Delete, "/v1/recipients?address=ann.secret@example.org"),
            Is.EqualTo(HttpStatusCode.OK)
        );
        Assert.That((await daemon.GetAsync($"/v1/messages/{id}/attempts"))["data"]!.AsArray(), Is.Empty);
    }

    [Test]
    public async Task Rule_ThatDecided_IsInTheMessage()
    {
        await using var server = new ScriptedSmtpServer().Say("RCPT", "450 4.2.0 greylisted");
        await using var daemon = await StartAsync(server);
        var id = await daemon.PostAsync(Message("ann@example.org"));
        var deferred = (await daemon.UntilAsync(id, EventType.MessageDeferred)).Single();

        var message = await daemon.GetAsync($"/v1/messages/{id}");
        var told = JsonNode.Parse("{" + System.Text.Encoding.UTF8.GetString(deferred.Detail.Span) + "}")!["recipients"]![0]!["rule"];
        Assert.That((string?)message["recipients"]![0]!["rule"], Is.EqualTo("any/greylisted").And.EqualTo((string?)told));
    }

    private async Task<TestDaemon> StartAsync(ScriptedSmtpServer server, object? auth = null)
    {
        var daemon = await TestDaemon.StartAsync(_directory);
        using var put = await daemon.Http.PutAsJsonAsync(
            "/v1/accounts/relay",
            new
            {
                host = "127.0.0.1",
                port = server.Port,
                security = "none",
                auth,
            }
        );
        Assert.That((int)put.StatusCode, Is.AnyOf(200, 201), await put.Content.ReadAsStringAsync());
        return daemon;
    }

    private static object Message(string to) =>
        new
        {
            account = "relay",
            from = "a@example.com",
            to,
            text = "x",
        };
}
