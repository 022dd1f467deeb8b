using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>What is over leaves the disk: content at once, the rest later.</summary>
[Parallelizable(ParallelScope.Self)]
internal sealed class RetentionTests
{
    private TempDirectory _directory = null!;

    [SetUp]
    public void MakeDirectory() => _directory = new();

    [TearDown]
    public void DropDirectory() => _directory.Dispose();

    [Test]
    public async Task Sent_NobodyElseToTell_ContentGoesAndTheRecordStays()
    {
        await using var daemon = await TestDaemon.StartAsync(_directory);
        var id = await PostAsync(daemon);
        await daemon.UntilAsync(id, EventType.MessageSent);

        using var raw = await Eventually.BecomesAsync(
            () => daemon.Http.GetAsync($"/v1/messages/{id}/raw"),
            answer => answer.StatusCode == HttpStatusCode.Gone
        );
        var message = await daemon.GetAsync($"/v1/messages/{id}");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(await raw.Content.ReadAsStringAsync(), Does.Contain("\"code\":\"purged\""));
            Assert.That((string)message["status"]!, Is.EqualTo("sent"));
            Assert.That((await daemon.GetAsync($"/v1/messages/{id}/events"))["data"]!.AsArray(), Has.Count.EqualTo(2));
        }
    }

    [Test]
    public async Task Retain_OfTheTenant_ActsAtOnceWhenChanged()
    {
        await using var daemon = await TestDaemon.StartAsync(_directory);
        await daemon.SendAsync(HttpMethod.Put, "/v1/tenants/default", new { name = "Default", retain = "7d" });
        var kept = await PostAsync(daemon);
        await daemon.UntilAsync(kept, EventType.MessageSent);
        await daemon.SendAsync(HttpMethod.Put, "/v1/tenants/acme", new { name = "Acme" });
        using (
            var account = new HttpRequestMessage(HttpMethod.Put, "/v1/accounts/sandbox")
            {
                Headers = { { "X-Tenant", "acme" } },
                Content = JsonContent.Create(new { sandbox = true }),
            }
        )
        {
            using var made = await daemon.Http.SendAsync(account);
            Assert.That(made.StatusCode, Is.EqualTo(HttpStatusCode.Created));
        }

        var marker = await PostAsync(daemon, "acme");
        await Eventually.BecomesAsync(() => StatusAsync(daemon, marker, "acme"), status => status == HttpStatusCode.Gone);
        Assert.That(await StatusAsync(daemon, kept), Is.EqualTo(HttpStatusCode.OK), "it is older than what is gone");

        await daemon.SendAsync(HttpMethod.Put, "/v1/tenants/default", new { name = "Default", retain = "until_reported" });
        await Eventually.BecomesAsync(() => StatusAsync(daemon, kept), status => status == HttpStatusCode.Gone);
    }

    [Test]
    [Category(TestDaemon.NamesFiles)]
    public async Task AMonthLater_MessagesEventsAndFilesSpaceAreGone()
    {
        const int Messages = 4_000,
            Bytes = 8_000;
        var clock = new SteppingClock();
        await using (var daemon = await TestDaemon.StartAsync(_directory, clock, ("Retention:Content", "1d")))
        {
            var text = new string('x', Bytes);
            for (var n = 0; n < Messages; n += 1_000)
            {
                var body = new
                {
                    messages = Enumerable
                        .Range(n, 1_000)
                        .Select(i => new
                        {
                            id = $"m{i}",
                            from = "a@example.com",
                            to = "b@example.com",
                            text,
                        }),
                };
                Assert.That(await daemon.SendAsync(HttpMethod.Post, "/v1/messages/batch", body), Is.EqualTo(HttpStatusCode.OK));
            }

            await daemon.EventsAsync(e => e.Type == EventType.MessageSent, Messages);
            var old = (string)(await daemon.GetAsync("/v1/events?limit=1"))["next_cursor"]!;
            var before = Database.Length;
            Assert.That(before, Is.GreaterThan(Messages * Bytes));

            clock.Step(TimeSpan.FromDays(31));
            var fresh = await PostAsync(daemon);
            await Eventually.BecomesAsync(
                () => daemon.SendAsync(HttpMethod.Get, "/v1/messages/m3999"),
                status => status == HttpStatusCode.NotFound
            );
            await Eventually.BecomesAsync(() => Task.FromResult(Database.Length), length => length < before / 2);

            using var feed = await daemon.Http.GetAsync($"/v1/events?after={old}");
            using (Assert.EnterMultipleScope())
            {
                Assert.That((int)feed.StatusCode, Is.EqualTo(410));
                Assert.That(await feed.Content.ReadAsStringAsync(), Does.Contain("cursor_expired"));
                Assert.That(
                    (string)(await daemon.GetAsync("/v1/events"))["data"]![0]!["data"]!["message_id"]!,
                    Is.EqualTo(fresh),
                    "the oldest that is kept"
                );
            }
        }
    }

    private FileInfo Database => new(Path.Combine(_directory, "mailproxy.db"));

    private static async Task<HttpStatusCode> StatusAsync(TestDaemon daemon, string id, string tenant = "default")
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/v1/messages/{id}/raw") { Headers = { { "X-Tenant", tenant } } };
        using var answer = await daemon.Http.SendAsync(request);
        return answer.StatusCode;
    }

    private static async Task<string> PostAsync(TestDaemon daemon, string tenant = "default")
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/messages")
        {
            Headers = { { "X-Tenant", tenant } },
            Content = JsonContent.Create(
                new
                {
                    account = "sandbox",
                    from = "a@example.com",
                    to = "b@example.com",
                    text = "x",
                }
            ),
        };
        using var answer = await daemon.Http.SendAsync(request);
        return (string)JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["id"]!;
    }
}
