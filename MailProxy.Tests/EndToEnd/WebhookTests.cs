using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>A webhook is told what became of a message, signed, and nothing that is wrong with it reaches the mail.</summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
internal sealed class WebhookTests
{
    private static readonly (string, string) LoopbackAllowed = ("Network:Allowed:0", "127.0.0.0/8");

    private TempDirectory _directory = null!;
    private LoopbackWebhook _hook = null!;

    [SetUp]
    public async Task Start()
    {
        _directory = new();
        _hook = await LoopbackWebhook.StartAsync();
    }

    [TearDown]
    public async Task Stop()
    {
        await _hook.DisposeAsync();
        _directory.Dispose();
    }

    [Test]
    public async Task Post_WithSeveralWebhooks_HealthyOnesHearEverythingWhileOthersHangOrFail()
    {
        await using var hanging = await LoopbackWebhook.StartAsync();
        await using var failing = await LoopbackWebhook.StartAsync();
        await using var picky = await LoopbackWebhook.StartAsync();
        hanging.Hang();
        failing.AnswerWith(500);
        await using var daemon = await TestDaemon.StartAsync(_directory, LoopbackAllowed);
        foreach (
            var (id, body) in new (string, object)[]
            {
                ("hanging", new { url = hanging.Url }),
                ("failing", new { url = failing.Url }),
                ("healthy", new { url = _hook.Url }),
                ("picky", new { url = picky.Url, types = new[] { "message.sent" } }),
            }
        )
        {
            Assert.That(await daemon.SendAsync(HttpMethod.Put, $"/v1/webhooks/{id}", body), Is.EqualTo(HttpStatusCode.Created));
        }

        var ids = new List<string>();
        for (var n = 0; n < 20; n++)
            ids.Add(await PostAsync(daemon, $"b{n}@example.com"));

        var all = await _hook.NextAsync(40);
        var sent = await picky.NextAsync(20);
        static string Id(WebhookHit hit) => (string)JsonNode.Parse(hit.Text)!["data"]!["message_id"]!;
        Assert.That(all.GroupBy(Id).Select(static g => (g.Key, g.Count())), Is.EquivalentTo(ids.Select(static id => (id, 2))));
        Assert.That(sent.Select(Id), Is.EquivalentTo(ids));
    }

    [Test]
    public async Task Post_WithAWebhook_ReportsQueuedAndSentSigned()
    {
        await using var daemon = await TestDaemon.StartAsync(_directory, LoopbackAllowed);
        var secret = await PutWebhookAsync(daemon);
        var before = DateTimeOffset.UtcNow.ToUnixTimeSeconds();

        var id = await PostAsync(daemon, "ann@example.com");
        var hits = await _hook.NextAsync(2);

        var events = hits.Select(hit => JsonNode.Parse(hit.Text)!).ToArray();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(events.Select(e => (string)e["type"]!), Is.EqualTo(new[] { "message.queued", "message.sent" }));
            Assert.That(events.Select(e => (string)e["data"]!["message_id"]!), Is.All.EqualTo(id));
            Assert.That(events.Select(e => (int)e["sequence"]!), Is.EqualTo(new[] { 1, 2 }));
            Assert.That(
                events.Select(e => (string)e["id"]!),
                Is.EqualTo(hits.Select(hit => hit.Id)),
                "of a single event the webhook-id is the event's"
            );
            foreach (var hit in hits)
            {
                // The scheme as its specification words it, computed without any of the daemon's code.
                var mac = HMACSHA256.HashData(
                    Convert.FromBase64String(secret["whsec_".Length..]),
                    (byte[])[.. Encoding.UTF8.GetBytes($"{hit.Id}.{hit.Timestamp}."), .. hit.Body]
                );
                Assert.That(hit.Signature, Is.EqualTo("v1," + Convert.ToBase64String(mac)));
                Assert.That(long.Parse(hit.Timestamp), Is.InRange(before, before + 60));
                Assert.That(hit.ContentType, Does.StartWith("application/json"));
            }
        }

        await daemon.StopAsync();
    }

    [Test]
    public async Task Post_WithAWebhookThatHangs_SendsAllTheSame()
    {
        _hook.Hang();
        await using var daemon = await TestDaemon.StartAsync(_directory, LoopbackAllowed, ("Drain:GraceSeconds", "1"));
        await PutWebhookAsync(daemon);

        await Task.WhenAll(Enumerable.Range(0, 40).Select(n => PostAsync(daemon, $"b{n}@example.com")));
        await daemon.EventsAsync(e => e.Type == EventType.MessageSent, 40);

        var webhook = await daemon.GetAsync("/v1/webhooks/w");
        Assert.That((long)webhook["backlog"]!, Is.EqualTo(80));
        await daemon.StopAsync();
    }

    [Test]
    public async Task Restart_ResumesBehindWhatWasAcknowledged()
    {
        string acknowledged,
            waiting;
        await using (var first = await TestDaemon.StartAsync(_directory, LoopbackAllowed))
        {
            await PutWebhookAsync(first);
            acknowledged = await PostAsync(first, "ann@example.com");
            await _hook.NextAsync(2);
            await Eventually.BecomesAsync(async () => (long)(await first.GetAsync("/v1/webhooks/w"))["backlog"]!, backlog => backlog == 0);

            _hook.Hang();
            waiting = await PostAsync(first, "bob@example.com");
            await first.UntilAsync(waiting, EventType.MessageSent);
            await _hook.NextAsync();
            await first.StopAsync();
        }

        var before = _hook.Hits.Count;
        _hook.AnswerWith(204);
        await using var second = await TestDaemon.StartAsync(_directory, LoopbackAllowed);
        await Eventually.BecomesAsync(async () => (long)(await second.GetAsync("/v1/webhooks/w"))["backlog"]!, backlog => backlog == 0);

        var events = _hook.Hits.Skip(before).Select(hit => JsonNode.Parse(hit.Text)!).ToArray();
        Assert.That(
            events.Select(e => (string)e["data"]!["message_id"]!),
            Is.EqualTo(new[] { waiting, waiting }).And.None.EqualTo(acknowledged)
        );
        Assert.That(events.Select(e => (string)e["type"]!), Is.EqualTo(new[] { "message.queued", "message.sent" }));
        await second.StopAsync();
    }

    [Test]
    public async Task Put_LoopbackNotAllowed_IsNeverReachedAndSaysWhy()
    {
        await using var daemon = await TestDaemon.StartAsync(_directory);
        await PutWebhookAsync(daemon);

        var id = await PostAsync(daemon, "ann@example.com");
        await daemon.UntilAsync(id, EventType.MessageSent);
        var webhook = await Eventually.BecomesAsync(() => daemon.GetAsync("/v1/webhooks/w"), answer => answer["last_error"] is not null);

        Assert.That((string)webhook["last_error"]!, Does.Contain("127.0.0.1"));
        Assert.That(webhook["failing_since"], Is.Not.Null);
        Assert.That((string)webhook["status"]!, Is.EqualTo("enabled"));
        Assert.That(_hook.Hits, Is.Empty);
        await daemon.StopAsync();
    }

    private static Task<string> PostAsync(TestDaemon daemon, string to) =>
        daemon.PostAsync(
            new
            {
                from = "a@example.com",
                to,
                text = "x",
            }
        );

    private async Task<string> PutWebhookAsync(TestDaemon daemon)
    {
        using var answer = await daemon.Http.PutAsJsonAsync("/v1/webhooks/w", new { url = _hook.Url });
        var text = await answer.Content.ReadAsStringAsync();
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Created), text);
        return (string)JsonNode.Parse(text)!["secret"]!;
    }
}
