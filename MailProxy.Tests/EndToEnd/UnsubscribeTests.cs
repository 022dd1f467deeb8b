using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Storage.Sqlite;
using MailProxy.Tests.Support;
using Microsoft.Data.Sqlite;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>The hosted link, from the mail that arrives to the event: GET asks, POST acts, once.</summary>
[Parallelizable(ParallelScope.Self)]
internal sealed class UnsubscribeTests
{
    private static readonly (string, string) PublicUrl = ("Api:PublicUrl", "https://mail.example/");

    private TempDirectory _directory = null!;
    private ScriptedSmtpServer _server = null!;

    [SetUp]
    public void Prepare()
    {
        _directory = new();
        _server = new();
    }

    [TearDown]
    public async Task CleanAsync()
    {
        await _server.DisposeAsync();
        _directory.Dispose();
    }

    [TestCase("ann@example.org", "ann@example.org")]
    [TestCase("Ann+News@example.org", "ann+news@example.org")]
    [TestCase("\"ann b\"@example.org", "\"ann b\"@example.org")]
    [TestCase("jürgen@bücher.example", "jürgen@xn--bcher-kva.example")]
    public async Task Link_Posted_SuppressesTellsAndKeepsTheNextMailBack(string address, string entry)
    {
        await using var daemon = await StartAsync();
        var link = await SendAsync(daemon, "m1", address);

        using var asked = await daemon.Http.GetAsync(link);
        Assert.That(await EntriesAsync(daemon), Is.Empty, "GET only asks");
        using var first = await PostAsync(daemon, link);
        using var second = await PostAsync(daemon, link);

        Assert.That((first.StatusCode, second.StatusCode), Is.EqualTo((HttpStatusCode.OK, HttpStatusCode.OK)));
        var list = await daemon.GetAsync("/v1/suppressions");
        Assert.That(
            list["data"]!.AsArray().Select(static e => ((string)e!["address"]!, (string)e["source"]!, (string?)e["expires_at"])),
            Is.EqualTo(new[] { (entry, "unsubscribe", (string?)null) })
        );
        var events = await daemon.EventsAsync(static e => e.MessageId == "m1", 3);
        Assert.That(
            events.Select(static e => (e.Sequence, e.Type, e.Status)),
            Is.EqualTo(
                new[]
                {
                    (1, EventType.MessageQueued, MessageState.Queued),
                    (2, EventType.MessageSent, MessageState.Sent),
                    (3, EventType.MessageUnsubscribed, MessageState.Sent),
                }
            )
        );
        await daemon.PostAsync(Message("m2", address, hosted: false));
        Assert.That((string)(await daemon.GetAsync("/v1/messages/m2"))["status"]!, Is.EqualTo("suppressed"));
        Assert.That(await daemon.Http.GetStringAsync("/metrics"), Does.Contain("mailproxy_unsubscribes_total{result=\"done\"} 1"));
    }

    [Test]
    public async Task Page_IsPlainWithoutKeyAndNoCacheKeepsIt()
    {
        await using var daemon = await StartAsync();
        var link = await SendAsync(daemon, "m1", "ann@example.org");
        using var bare = new HttpClient { BaseAddress = new(daemon.Url) };

        using var page = await bare.GetAsync(link);
        using var head = await bare.SendAsync(new(HttpMethod.Head, link));
        var html = await page.Content.ReadAsStringAsync();

        Assert.That((page.StatusCode, head.StatusCode), Is.EqualTo((HttpStatusCode.OK, HttpStatusCode.OK)));
        Assert.That(page.Content.Headers.ContentType!.ToString(), Is.EqualTo("text/html; charset=utf-8"));
        Assert.That(page.Headers.CacheControl!.NoStore, Is.True);
        Assert.That(
            page.Headers.GetValues("Content-Security-Policy").Single(),
            Is.EqualTo("default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
        );
        Assert.That(page.Headers.GetValues("Referrer-Policy").Single(), Is.EqualTo("no-referrer"));
        Assert.That(html, Does.Contain("<form method=\"post\" action=\"\">").And.Contain("name=\"List-Unsubscribe\" value=\"One-Click\""));
        Assert.That(html, Does.Not.Contain("ann").And.Not.Contain("script").And.Not.Contain("http").And.Not.Contain("style"));
    }

    [Test]
    public async Task Post_AsMultipart_Acts()
    {
        await using var daemon = await StartAsync();
        var link = await SendAsync(daemon, "m1", "ann@example.org");
        using var form = new MultipartFormDataContent { { new StringContent("One-Click"), "List-Unsubscribe" } };
        using var answer = await daemon.Http.PostAsync(link, form);
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(await EntriesAsync(daemon), Is.EqualTo(new[] { "ann@example.org" }));
    }

    [TestCase("application/x-www-form-urlencoded", "")]
    [TestCase("application/x-www-form-urlencoded", "List-Unsubscribe=Two-Click")]
    [TestCase("application/x-www-form-urlencoded", "List-Unsubscribe=One-Click&List-Unsubscribe=One-Click")]
    [TestCase("application/x-www-form-urlencoded", "a=1&b=2&c=3&d=4&e=5&List-Unsubscribe=One-Click")]
    [TestCase("application/json", "{\"List-Unsubscribe\":\"One-Click\"}", HttpStatusCode.UnsupportedMediaType)]
    [TestCase("multipart/form-data; boundary=x", "no part at all")]
    [TestCase("multipart/form-data", "x")]
    public async Task Post_OfAnythingElse_IsRefusedAndChangesNothing(
        string type,
        string body,
        HttpStatusCode expected = HttpStatusCode.BadRequest
    )
    {
        await using var daemon = await StartAsync();
        var link = await SendAsync(daemon, "m1", "ann@example.org");
        using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        content.Headers.TryAddWithoutValidation("Content-Type", type);
        using var answer = await daemon.Http.PostAsync(link, content);
        using var large = new FormUrlEncodedContent([new("List-Unsubscribe", "One-Click"), new("x", new string('x', 20_000))]);
        using var refused = await daemon.Http.PostAsync(link, large);

        Assert.That((answer.StatusCode, refused.StatusCode), Is.EqualTo((expected, HttpStatusCode.BadRequest)));
        Assert.That(await EntriesAsync(daemon), Is.Empty);
    }

    [Test]
    public async Task Link_ThatNobodyMade_IsUnknownWhoeverAsks()
    {
        await using var daemon = await StartAsync();
        var link = await SendAsync(daemon, "m1", "ann@example.org");
        var forged = link[..^1] + (link[^1] == 'A' ? 'B' : 'A');
        foreach (var wrong in (string[])["/u/x", forged[..^8], link[..^9] + "AAAAAAAAA"])
        {
            using var get = await daemon.Http.GetAsync(wrong);
            using var post = await PostAsync(daemon, wrong);
            Assert.That((get.StatusCode, post.StatusCode), Is.EqualTo((HttpStatusCode.NotFound, HttpStatusCode.NotFound)), wrong);
        }

        Assert.That(await EntriesAsync(daemon), Is.Empty);
    }

    [Test]
    [Category(TestDaemon.NamesFiles)]
    public async Task Link_AfterARestartAndWithTheRecordGone_StillSuppresses()
    {
        string link;
        await using (var daemon = await StartAsync())
        {
            link = await SendAsync(daemon, "m1", "ann@example.org");
            await daemon.StopAsync();
        }

        using (var store = new SqliteConnection($"Data Source={Path.Combine(_directory, "mailproxy.db")};Pooling=False"))
        {
            store.Open();
            Assert.That(store.Run("DELETE FROM messages"), Is.EqualTo(1));
            store.Run("DELETE FROM events");
            store.Run("DELETE FROM recipients");
        }

        await using var again = await StartAsync();
        using var answer = await PostAsync(again, link);

        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(await EntriesAsync(again), Is.EqualTo(new[] { "ann@example.org" }));
    }

    [Test]
    public async Task Link_OfAnErasedRecipient_SuppressesAndTheRecordStaysErased()
    {
        await using var daemon = await StartAsync();
        var link = await SendAsync(daemon, "m1", "ann@example.org");
        await daemon.SendAsync(HttpMethod.Delete, "/v1/recipients?address=ann@example.org");
        using var answer = await PostAsync(daemon, link);

        Assert.That(await EntriesAsync(daemon), Is.EqualTo(new[] { "ann@example.org" }));
        var told = (await daemon.UntilAsync("m1", EventType.MessageUnsubscribed)).Single();
        Assert.That(Encoding.UTF8.GetString(told.Detail.Span), Does.Contain("erased.invalid").And.Not.Contain("ann@"));
    }

    [Test]
    public async Task Tenant_OfItsOwn_HasItsOwnListAndALinkOfADeletedOneIsUnknown()
    {
        await using var daemon = await StartAsync();
        using var acme = daemon.As(await daemon.MakeTenantAsync("acme"));
        using var put = await acme.PutAsJsonAsync("/v1/accounts/box", new { sandbox = true });
        using var posted = await acme.PostAsJsonAsync("/v1/messages", Message("m1", "ann@example.org", account: "box"));
        Assert.That(posted.StatusCode, Is.EqualTo(HttpStatusCode.Accepted), await posted.Content.ReadAsStringAsync());
        await daemon.EventsAsync(static e => e.Type == EventType.MessageSent, 1, tenant: "acme");
        var mails = await daemon.GetAsync("/v1/sandbox/messages");
        var link = LinkIn(await daemon.Http.GetStringAsync($"/v1/sandbox/messages/{mails["data"]![0]!["id"]}/raw"));

        using var answer = await PostAsync(daemon, link);
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(await EntriesAsync(daemon), Is.Empty, "of the tenant default");
        var list = JsonNode.Parse(await acme.GetStringAsync("/v1/suppressions"))!;
        Assert.That(list["data"]!.AsArray(), Has.Count.EqualTo(1));

        Assert.That(await daemon.SendAsync(HttpMethod.Delete, "/v1/tenants/acme"), Is.EqualTo(HttpStatusCode.NoContent));
        await Eventually.BecomesAsync(
            () => daemon.SendAsync(HttpMethod.Put, "/v1/tenants/acme", new { name = "another" }),
            static status => status == HttpStatusCode.Created
        );
        using var old = await PostAsync(daemon, link);
        Assert.That(old.StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
    }

    [Test]
    public async Task Entry_ThatWouldEnd_GivesWayAndOneThatWasThereStays()
    {
        await using var daemon = await StartAsync();
        var (first, second) = (await SendAsync(daemon, "m1", "ann@example.org"), await SendAsync(daemon, "m2", "bob@example.org"));
        await daemon.SendAsync(
            HttpMethod.Put,
            "/v1/suppressions",
            new
            {
                address = "ann@example.org",
                reason = "for now",
                expires_at = "2099-01-01T00:00:00Z",
            }
        );
        await daemon.SendAsync(HttpMethod.Put, "/v1/suppressions", new { address = "bob@example.org", reason = "asked by telephone" });
        foreach (var link in (string[])[first, second, second])
            (await PostAsync(daemon, link)).Dispose();

        var list = (await daemon.GetAsync("/v1/suppressions"))["data"]!.AsArray();
        Assert.That(
            list.Select(static e => ((string)e!["source"]!, (string?)e["expires_at"])),
            Is.EqualTo(new[] { ("unsubscribe", (string?)null), ("api", null) })
        );
        Assert.That(
            (await daemon.EventsAsync(static e => e.Type == EventType.MessageUnsubscribed, 2)).Select(static e => e.MessageId),
            Is.EqualTo(new[] { "m1", "m2" }),
            "each message tells once"
        );
    }

    private Task<TestDaemon> StartAsync() => StartAsync(_directory);

    private async Task<TestDaemon> StartAsync(string directory)
    {
        var daemon = await TestDaemon.StartAsync(directory, PublicUrl);
        await daemon.PutAccountAsync("relay", _server.Port);
        return daemon;
    }

    /// <summary>Sends one and returns the path of the link in it.</summary>
    private async Task<string> SendAsync(TestDaemon daemon, string id, string address)
    {
        await daemon.PostAsync(Message(id, address));
        await daemon.UntilAsync(id, EventType.MessageSent);
        return LinkIn(_server.Taken.Last().Text);
    }

    private static string LinkIn(string mail)
    {
        var head = mail.Split("\r\n\r\n")[0].Replace("\r\n ", " ", StringComparison.Ordinal);
        Assert.That(head, Does.Contain("List-Unsubscribe-Post: List-Unsubscribe=One-Click"));
        var url = head.Split("<https://mail.example")[1].Split('>')[0];
        Assert.That(url, Does.StartWith("/u/"));
        return url;
    }

    private static async Task<HttpResponseMessage> PostAsync(TestDaemon daemon, string link)
    {
        // As a mailbox provider does: without a key.
        using var bare = new HttpClient { BaseAddress = new(daemon.Url) };
        using var form = new FormUrlEncodedContent([new("List-Unsubscribe", "One-Click")]);
        return await bare.PostAsync(link, form);
    }

    private static async Task<string[]> EntriesAsync(TestDaemon daemon) =>
        [.. (await daemon.GetAsync("/v1/suppressions"))["data"]!.AsArray().Select(static e => (string)e!["address"]!)];

    private static object Message(string id, string to, bool hosted = true, string account = "relay") =>
        new
        {
            id,
            account,
            from = "news@example.com",
            to,
            subject = "News",
            text = "x",
            unsubscribe = hosted ? new { one_click = "hosted" } : null,
        };
}
