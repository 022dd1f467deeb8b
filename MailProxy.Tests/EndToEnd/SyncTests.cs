using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using Microsoft.AspNetCore.Http;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>A whole conversation of style sync over the daemon, with a restart in the middle.</summary>
[Parallelizable(ParallelScope.Self)]
internal sealed class SyncTests
{
    private static readonly (string, string) LoopbackAllowed = ("Network:Allowed:0", "127.0.0.0/8");

    private readonly ConcurrentDictionary<string, int> _refusals = new();
    private TempDirectory _directory = null!;
    private LoopbackWebhook _hook = null!;

    [SetUp]
    public async Task Start()
    {
        _directory = new();
        _hook = await LoopbackWebhook.StartAsync();
        _refusals.Clear();
    }

    [TearDown]
    public async Task Stop()
    {
        await _hook.DisposeAsync();
        _directory.Dispose();
    }

    [Test]
    public async Task Conversation_WithErrorsAndARestart_TellsEverythingInTheEnd()
    {
        // Every third message is refused twice; the client asks for quiet all the while.
        _hook.Answer = async (hit, http) =>
        {
            var ids = Entries(hit).Select(entry => (string)entry["id"]!).ToArray();
            var errors = ids.Where(id => id.EndsWith('0') && _refusals.AddOrUpdate(id, 1, static (_, n) => n + 1) <= 2);
            await http.Response.WriteAsJsonAsync(
                new
                {
                    ok = true,
                    queued = 0,
                    next_sync_after = DateTimeOffset.UtcNow.AddHours(1).ToUnixTimeSeconds(),
                    error = errors,
                    not_found = Array.Empty<string>(),
                }
            );
        };
        var clock = new SteppingClock();
        await using (var first = await TestDaemon.StartAsync(_directory, clock, LoopbackAllowed))
        {
            using var made = await first.Http.PutAsJsonAsync("/v1/webhooks/s", new { url = _hook.Url, style = "sync" });
            var answer = JsonNode.Parse(await made.Content.ReadAsStringAsync())!;
            Assert.That(
                (made.StatusCode, (string)answer["style"]!, (int)answer["max_batch"]!),
                Is.EqualTo((HttpStatusCode.Created, "sync", 100))
            );
            for (var n = 0; n < 30; n++)
                await first.PostAsync(
                    new
                    {
                        id = $"m{n}",
                        from = "a@example.com",
                        to = n % 7 == 3 ? "perm@example.com" : "b@example.com",
                        text = "x",
                    }
                );
            await first.EventsAsync(e => e.Status.IsFinal(), 30);
            await Eventually.BecomesAsync(async () => (long)(await first.GetAsync("/v1/webhooks/s"))["backlog"]!, backlog => backlog == 3);
            await first.StopAsync();
        }

        clock.Step(TimeSpan.FromMinutes(1)); // the resends are due
        await using var second = await TestDaemon.StartAsync(_directory, clock, LoopbackAllowed);
        await Eventually.BecomesAsync(() => Task.FromResult(_refusals.Values.Min()), refusals => refusals == 2);
        clock.Step(TimeSpan.FromMinutes(1));
        Assert.That(await second.SendAsync(HttpMethod.Post, "/v1/dispatcher/run-now"), Is.EqualTo(HttpStatusCode.OK));
        await Eventually.BecomesAsync(async () => (long)(await second.GetAsync("/v1/webhooks/s"))["backlog"]!, backlog => backlog == 0);

        var told = _hook.Hits.SelectMany(Entries).ToArray();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(told.Select(entry => (string)entry["id"]!).Distinct().Count(), Is.EqualTo(30));
            Assert.That(told.Where(entry => (string)entry["id"]! is "m0" or "m10" or "m20").Count(), Is.EqualTo(9), "each twice in vain");
            Assert.That(
                told.Where(static entry => entry["error"] is not null).Select(entry => (string)entry["id"]!).Distinct(),
                Is.EquivalentTo(new[] { "m3", "m10", "m17", "m24" })
            );
            Assert.That(told.Select(entry => (string)entry["tenant_id"]!), Is.All.EqualTo("default"));
        }

        await second.StopAsync();
    }

    private static IEnumerable<JsonNode> Entries(WebhookHit hit) => JsonNode.Parse(hit.Text)!["delivery_report"]!.AsArray()!;
}
