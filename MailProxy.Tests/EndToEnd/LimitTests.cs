using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>
/// Limits of an account and of the installation: exactly so many go, the rest say why they wait, and a restart forgets nothing.
/// </summary>
[TestFixture]
internal sealed class LimitTests
{
    private TempDirectory _directory = null!;
    private ScriptedSmtpServer _server = null!;

    [SetUp]
    public void Start() => (_directory, _server) = (new(), new());

    [TearDown]
    public async Task Stop()
    {
        await _server.DisposeAsync();
        _directory.Dispose();
    }

    [Test]
    public async Task PerMinute_MorePosted_SendsExactlySoManyAndTheRestWaitAlsoAfterARestart()
    {
        string[] ids;
        await using (var first = await TestDaemon.StartAsync(_directory))
        {
            await first.PutAccountAsync("real", _server.Port, new { per_minute = 5 });
            ids = await PostAsync(first, 8);
            await first.EventsAsync(e => e.Type == EventType.MessageSent, 5);
            await AssertThreeWaitAsync(first, ids);
            var shown = (await first.GetAsync("/v1/accounts/real"))["limits_now"]!.AsArray().Single()!;
            Assert.That(
                ((string)shown["limit"]!, (int)shown["used"]!, (int)shown["allowed"]!, shown["opens_at"] is not null),
                Is.EqualTo(("per_minute", 5, 5, true))
            );
            await first.StopAsync();
        }

        await using var second = await TestDaemon.StartAsync(_directory);
        await second.PutAccountAsync("other", _server.Port);
        await second.UntilAsync(
            await second.PostAsync(
                new
                {
                    account = "other",
                    from = "a@example.com",
                    to = "probe@example.com",
                    text = "x",
                }
            ),
            EventType.MessageSent
        );
        await AssertThreeWaitAsync(second, ids);
        Assert.That(_server.Mails.Count(m => m.Recipients[0] != "probe@example.com"), Is.EqualTo(5));
        await second.StopAsync();
    }

    [Test]
    public async Task PerMinute_ARecipientEach_CountsRecipientsInsideAMessage()
    {
        await using var daemon = await TestDaemon.StartAsync(_directory);
        await daemon.PutAccountAsync("real", _server.Port, new { per_minute = 3 });

        var id = await daemon.PostAsync(
            new
            {
                account = "real",
                from = "a@example.com",
                to = Enumerable.Range(0, 5).Select(n => $"b{n}@example.com"),
                text = "x",
            }
        );
        await _server.Seen("DOT");
        await WaitsForLimitAsync(daemon, id);

        var states = (await daemon.GetAsync($"/v1/messages/{id}"))["recipients"]!.AsArray().Select(r => (string)r!["status"]!).ToArray();
        Assert.That(states.Count(s => s == "sent"), Is.EqualTo(3));
        Assert.That(_server.Mails.Single().Recipients, Has.Count.EqualTo(3), "a slice is never larger than the smallest window");
        await daemon.StopAsync();
    }

    [Test]
    public async Task GlobalLimit_TwoAccounts_StandsInFrontOfBoth()
    {
        await using var daemon = await TestDaemon.StartAsync(_directory, ("Limits:PerMinute", "4"));
        await daemon.PutAccountAsync("real", _server.Port);
        await daemon.PutAccountAsync("other", _server.Port);

        var ids = await PostAsync(daemon, 3);
        var others = await PostAsync(daemon, 3, "other");
        await daemon.EventsAsync(e => e.Type == EventType.MessageSent, 4);

        var all = await Task.WhenAll(ids.Concat(others).Select(id => daemon.GetAsync($"/v1/messages/{id}")));
        var waiting = all.Where(m => (string)m["status"]! == "queued").Select(m => (string)m["id"]!).ToArray();
        Assert.That(waiting, Has.Length.EqualTo(2));
        foreach (var id in waiting)
            await WaitsForLimitAsync(daemon, id, "installation_limit");
        Assert.That(_server.Mails, Has.Count.EqualTo(4));
        await daemon.StopAsync();
    }

    [Test]
    public async Task PerMinute_WhenReachedFail_TheRestFailAtOnceWithAReason()
    {
        await using var daemon = await TestDaemon.StartAsync(_directory);
        await daemon.PutAccountAsync("real", _server.Port, new { per_minute = 2, when_reached = "fail" });

        var ids = await PostAsync(daemon, 5);
        var failed = await daemon.EventsAsync(e => e.Type == EventType.MessageFailed, 3);
        await daemon.EventsAsync(e => e.Type == EventType.MessageSent, 2);

        Assert.That(ids, Is.SupersetOf(failed.Select(e => e.MessageId!)));
        var recipient = (await daemon.GetAsync($"/v1/messages/{failed[0].MessageId}"))["recipients"]![0]!;
        Assert.That((string)recipient["status"]!, Is.EqualTo("failed"));
        Assert.That((string)recipient["reply"]!, Does.Contain("limit"));
        Assert.That(_server.Mails, Has.Count.EqualTo(2));
        await daemon.StopAsync();
    }

    [Test]
    public async Task TenantLimit_TwoAccounts_StandsInFrontOfBothAlsoAfterARestartAndLeavesOthersAlone()
    {
        string[] waiting;
        await using (var first = await TestDaemon.StartAsync(_directory))
        {
            await first.PutAccountAsync("real", _server.Port);
            await first.PutAccountAsync("other", _server.Port);
            Assert.That(
                (int)await first.SendAsync(HttpMethod.Put, "/v1/tenants/default", new { name = "Default", limits = new { per_hour = 5 } }),
                Is.EqualTo(200)
            );
            var ids = (await PostAsync(first, 4)).Concat(await PostAsync(first, 4, "other")).ToArray();
            await first.EventsAsync(e => e.Type == EventType.MessageSent, 5);
            var all = await Task.WhenAll(ids.Select(id => first.GetAsync($"/v1/messages/{id}")));
            waiting = [.. all.Where(m => (string)m["status"]! == "queued").Select(m => (string)m["id"]!)];
            Assert.That(waiting, Has.Length.EqualTo(3));
            await first.StopAsync();
        }

        await using var second = await TestDaemon.StartAsync(_directory);
        foreach (var id in waiting)
        {
            var message = await Eventually.BecomesAsync(
                () => second.GetAsync($"/v1/messages/{id}"),
                m => (string?)m["waiting_for"]?["reason"] == "tenant_limit" && m["waiting_for"]!["until"] is not null
            );
            Assert.That((string)message["waiting_for"]!["detail"]!, Is.EqualTo("the tenant used 5 of 5 per hour"));
        }

        await second.SendAsync(HttpMethod.Put, "/v1/tenants/default", new { name = "Default", limits = new { per_hour = 6 } });
        await second.EventsAsync(e => e.Type == EventType.MessageSent, 6);
        Assert.That(_server.Mails, Has.Count.EqualTo(6), "a raised limit acts at once");
        await second.StopAsync();
    }

    private static async Task AssertThreeWaitAsync(TestDaemon daemon, string[] ids)
    {
        var messages = await Task.WhenAll(ids.Select(id => daemon.GetAsync($"/v1/messages/{id}")));
        var waiting = messages.Where(m => (string)m["status"]! == "queued").Select(m => (string)m["id"]!).ToArray();
        Assert.That(waiting, Has.Length.EqualTo(3));
        foreach (var id in waiting)
            await WaitsForLimitAsync(daemon, id);
    }

    // The lane knows that it stands only after a pick was refused, and of that nobody is told.
    private static async Task WaitsForLimitAsync(TestDaemon daemon, string id, string reason = "account_limit")
    {
        var asked = DateTimeOffset.UtcNow;
        var message = await Eventually.BecomesAsync(
            () => daemon.GetAsync($"/v1/messages/{id}"),
            m => (string?)m["waiting_for"]?["reason"] == reason && m["waiting_for"]!["until"] is not null
        );
        Assert.That(DateTimeOffset.Parse((string)message["waiting_for"]!["until"]!), Is.InRange(asked, asked.AddSeconds(90)));
    }

    private static Task<string[]> PostAsync(TestDaemon daemon, int count, string account = "real") =>
        Task.WhenAll(
            Enumerable
                .Range(0, count)
                .Select(n =>
                    daemon.PostAsync(
                        new
                        {
                            account,
                            from = "a@example.com",
                            to = $"b{n}@example.com",
                            text = "x",
                        }
                    )
                )
        );
}
