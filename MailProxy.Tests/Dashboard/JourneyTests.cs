using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Dashboard;

/// <summary>What people do with the page, in a real browser: see <c>journeys.mjs</c>.</summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
internal sealed class JourneyTests : DaemonFixture
{
    private static readonly string[] Views =
    [
        "",
        "messages",
        "messages?q=status%3Aheld",
        "messages/held-1",
        "act?q=status%3Aheld&action=release",
        "act?q=status%3Aheld&action=reroute",
        "operations",
        "accounts",
        "accounts/new",
        "presets",
        "presets/microsoft",
        "presets/generic",
        "accounts/sandbox",
        "pools",
        "batches",
        "suppressions",
        "webhooks",
        "webhooks/crm",
        "volumes",
        "events",
        "requests",
        "tenants",
        "tenants/default",
        "audit",
        "system",
        "sandbox",
        "not-found",
    ];

    [Test]
    public async Task SignIn_AWrongKey_ThenTheRightOne_LeadsToWhereOneWanted() => await GoAsync("signIn");

    [Test]
    public async Task FailedMail_IsFoundByAddress_ReadAndRetried_UntilItIsSent()
    {
        var refuses = true;
        await using var server = new ScriptedSmtpServer(heard =>
            heard.Verb == "RCPT" && Volatile.Read(ref refuses) ? "550 5.1.1 no such user" : null
        );
        await _daemon.PutAccountAsync("relay", server.Port);
        var id = await _daemon.PostAsync(
            new
            {
                account = "relay",
                from = "shop@example.com",
                to = "bad@example.org",
                subject = "Your order",
                text = "x",
            }
        );
        await _daemon.UntilAsync(id, EventType.MessageFailed);
        Volatile.Write(ref refuses, false);

        await GoAsync("failedMail");
    }

    [Test]
    public async Task TenThousand_AreHeld_AndTheUndoReleasesThem()
    {
        await _daemon.SendAsync(HttpMethod.Post, "/v1/dispatcher/suspend");
        foreach (var numbers in Enumerable.Range(0, 10_000).Chunk(500))
        {
            var messages = numbers.Select(static n => new
            {
                id = $"big-{n}",
                from = "a@example.com",
                to = "b@example.com",
                text = "x",
                batch = "big",
            });
            using var answer = await _daemon.Http.PostAsJsonAsync("/v1/messages/batch", new { messages });
            answer.EnsureSuccessStatusCode();
        }

        await GoAsync("holdAndUndo");
    }

    [Test]
    public async Task NewAccount_ByPreset_IsToldItsMistake_AndItsTestSaysInWordsWhatIsWrong()
    {
        await using var server = new ScriptedSmtpServer(static heard => heard.Verb == "CONNECT" ? "554 5.7.1 not from here" : null);

        await GoAsync(
            "newAccount",
            ("title", "Any SMTP server"),
            (
                "fields",
                new Dictionary<string, string>
                {
                    ["host"] = "127.0.0.1",
                    ["port"] = server.Port.ToString(),
                    ["security"] = "none",
                }
            ),
            ("wrong", "port"),
            ("mistake", "it is a number from 1 to 65535"),
            ("trouble", "turned us away before the log-in")
        );
    }

    [Test]
    public async Task AKeyThatReads_SeesAndCannotAct_WhateverItSends()
    {
        await HoldOneAsync();
        var reader = await MakeKeyAsync("default", "read");

        await GoAsync("readOnly", ("reader", reader));

        Assert.That((string?)(await _daemon.GetAsync("/v1/messages/held-1"))["status"], Is.EqualTo("held"));
    }

    [Test]
    public async Task ATenantsKey_ShowsItsTenantAlone()
    {
        await HoldOneAsync("Of default");
        var acme = await _daemon.MakeTenantAsync("acme");
        using var http = _daemon.As(acme);
        using var put = await http.PutAsJsonAsync("/v1/accounts/box", new { sandbox = true });
        using var posted = await http.PostAsJsonAsync(
            "/v1/messages",
            new
            {
                from = "a@example.com",
                to = "b@example.com",
                subject = "Of acme",
                text = "x",
            }
        );
        Assert.That(posted.IsSuccessStatusCode, await posted.Content.ReadAsStringAsync());

        await GoAsync("otherTenant", ("acme", acme));
    }

    [Test]
    public async Task Webhook_IsTestedAndReplayed()
    {
        await using var endpoint = await LoopbackWebhook.StartAsync();
        await PutWebhookAsync(endpoint.Url);

        await GoAsync("replay", Shots);
    }

    [Test]
    public async Task Suppressions_ComeFromAFile_WithTheProgressTold() =>
        await GoAsync("importFile", ("lines", 300_000), ("told", "299,999 added, 0 replaced, 1 refused"), Shots);

    [Test]
    public async Task Sandbox_NewMailAppearsByItself_AndItsHtmlRunsNothing() => await GoAsync("sandbox");

    [Test]
    public async Task Phone_EveryViewFits_AndEverybodyCanUseIt()
    {
        await HoldOneAsync();
        await PutWebhookAsync("http://127.0.0.1:9/hook");

        await GoAsync("phone", ("phone", true), ("dark", true));
    }

    [Test]
    public async Task Keyboard_IsEnough()
    {
        await HoldOneAsync();

        await GoAsync("keyboard");
    }

    protected override (string Name, string Value)[] Settings => [("Network:Allowed:0", "127.0.0.0/8")];

    [TestCase(false)]
    [TestCase(true)]
    public async Task EveryView_CanBeUsedByEverybody(bool dark)
    {
        await HoldOneAsync();
        await PutWebhookAsync("http://127.0.0.1:9/hook");

        await GoAsync("everyView", ("dark", dark), dark ? ("shots", null) : Shots);
    }

    private static (string Name, object? Value) Shots => ("shots", Environment.GetEnvironmentVariable("MAILPROXY_SHOTS"));

    private async Task HoldOneAsync(string subject = "Held")
    {
        await _daemon.SendAsync(HttpMethod.Post, "/v1/dispatcher/suspend");
        await _daemon.PostAsync(
            new
            {
                id = "held-1",
                from = "a@example.com",
                to = "b@example.com",
                subject,
                text = "x",
                html = "<p>x</p>",
            }
        );
        Assert.That((int)await _daemon.SendAsync(HttpMethod.Post, "/v1/messages/held-1/hold"), Is.EqualTo(200));
    }

    private async Task PutWebhookAsync(string url) =>
        Assert.That((int)await _daemon.SendAsync(HttpMethod.Put, "/v1/webhooks/crm", new { url }), Is.EqualTo(201));

    private async Task<string> MakeKeyAsync(string tenant, params string[] scopes)
    {
        using var made = await _daemon.Http.PostAsJsonAsync($"/v1/tenants/{tenant}/keys", new { name = "test", scopes });
        return (string)JsonNode.Parse(await made.Content.ReadAsStringAsync())!["key"]!;
    }

    private async Task GoAsync(string journey, params (string Name, object? Value)[] more)
    {
        var given = new Dictionary<string, object?>
        {
            ["base"] = _daemon.Url + "/ui/",
            ["key"] = _daemon.Http.DefaultRequestHeaders.Authorization!.Parameter,
            ["browser"] = "/usr/bin/chromium",
            ["views"] = Views,
        };
        foreach (var (name, value) in more)
            given[name] = value;
        var info = Run.Info("node", Repository.File("MailProxy.Tests/Dashboard/journeys.mjs"), Repository.File(".tools/browser"), journey);
        info.Environment["JOURNEY"] = JsonSerializer.Serialize(given);
        var (exitCode, output) = await Run.AsIsAsync(info, TimeSpan.FromMinutes(3));
        Assert.That(exitCode, Is.Zero, output);
    }
}
