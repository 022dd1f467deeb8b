using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>
/// Somebody sets the clock an hour forward or back while mail waits: nothing is held by it, limits and back-offs keep their length, and
/// what has a time keeps its time by the clock on the wall.
/// </summary>
[TestFixture]
internal sealed class ClockStepTests : DaemonFixture
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    private ScriptedSmtpServer _server = null!;
    private SteppingClock _clock = null!;

    protected override (string Name, string Value)[] Settings =>
        [
            ("Report:RetryMinutes", "30"),
            ("Report:Jitter", "0"),
            ("Report:AccountBackoffFirst", "00:00:01"),
            ("Report:AccountBackoffLongest", "00:00:02"),
            ("Network:Allowed:0", "127.0.0.0/8"),
            ("Log:Level", "Error"),
        ];

    protected override TimeProvider MakeClock() => _clock = new();

    [SetUp]
    public void Start() => _server = new();

    [TearDown]
    public ValueTask StopAsync() => _server.DisposeAsync();

    [TestCase(1)]
    [TestCase(-1)]
    public async Task Step_MailWaitsByArrival_EverythingGoesOnce(int hours)
    {
        await _daemon.SendAsync(
            HttpMethod.Put,
            "/v1/accounts/real",
            new
            {
                host = "127.0.0.1",
                port = _server.Port,
                security = "none",
                max_connections = 1,
            }
        );
        await _daemon.SendAsync(HttpMethod.Post, "/v1/dispatcher/suspend");
        var ids = new List<string>();
        for (var n = 0; n < 5; n++)
            ids.Add(await PostAsync("real"));
        _clock.Step(hours * Hour);
        for (var n = 0; n < 5; n++)
            ids.Add(await PostAsync("real"));
        await _daemon.SendAsync(HttpMethod.Post, "/v1/dispatcher/activate");

        var sent = await _daemon.EventsAsync(e => e.Type == EventType.MessageSent, 10);
        Assert.That(sent.Select(e => e.MessageId), Is.EquivalentTo(ids));
        Assert.That(_server.Mails, Has.Count.EqualTo(10));
    }

    [TestCase(1)]
    [TestCase(-1)]
    public async Task Step_AccountAtItsLimit_WaitsAtMostItsMinuteAndNeverSendsMoreThanTwoWindows(int hours)
    {
        await _daemon.PutAccountAsync("real", _server.Port, new { per_minute = 3 });
        for (var n = 0; n < 8; n++)
            await PostAsync("real");
        await _daemon.EventsAsync(e => e.Type == EventType.MessageSent, 3);

        _clock.Step(hours * Hour);
        var last = await PostAsync("real"); // which is what makes anybody look at the clock before a minute has passed
        var asked = _clock.GetUtcNow();
        var waiting = await Eventually.BecomesAsync(
            () => _daemon.GetAsync($"/v1/messages/{last}"),
            m =>
                (string?)m["waiting_for"]?["reason"] == "account_limit"
                && m["waiting_for"]!["until"] is { } until
                && DateTimeOffset.Parse((string)until!) > asked.AddSeconds(-1)
                && DateTimeOffset.Parse((string)until!) < asked.AddSeconds(90)
        );
        Assert.That((string)waiting["status"]!, Is.EqualTo("queued"));
        Assert.That(_server.Mails.Count, Is.LessThanOrEqualTo(6));
    }

    [TestCase(24)]
    [TestCase(-24)]
    public async Task Step_AccountAtItsLimit_SaysAtOnceByTheNewClockUntilWhen(int hours)
    {
        await _daemon.PutAccountAsync("real", _server.Port, new { per_minute = 1 });
        var waits = "";
        for (var n = 0; n < 3; n++)
            waits = await PostAsync("real");
        await Eventually.BecomesAsync(
            () => _daemon.GetAsync($"/v1/messages/{waits}"),
            static m => (string?)m["waiting_for"]?["reason"] == "account_limit"
        );

        _clock.Step(hours * Hour);
        var asked = _clock.GetUtcNow();
        var until = DateTimeOffset.Parse((string)(await _daemon.GetAsync($"/v1/messages/{waits}"))["waiting_for"]!["until"]!);
        Assert.That(until, Is.InRange(asked.AddSeconds(-1), asked.AddSeconds(90)));
    }

    [Test]
    public async Task Step_Back_AnAccountInTroubleIsTriedAgainAfterItsOwnShortWait()
    {
        // The second refusal comes after the step, while the first one's end still lies an hour ahead.
        _server.Say("CONNECT", "421 4.3.2 down", "421 4.3.2 down", "421 4.3.2 down");
        await _daemon.SendAsync(
            HttpMethod.Put,
            "/v1/accounts/real",
            new
            {
                host = "127.0.0.1",
                port = _server.Port,
                security = "none",
                max_connections = 1,
            }
        );
        var first = await PostAsync("real");
        await _daemon.EventsAsync(e => e.Type == EventType.AccountThrottled, 1);
        _clock.Step(-Hour);
        var second = await PostAsync("real");

        await _daemon.UntilAsync(first, EventType.MessageSent);
        await _daemon.UntilAsync(second, EventType.MessageSent);
        await _daemon.EventsAsync(e => e.Type == EventType.AccountCircuitClosed, 1);
    }

    [Test]
    public async Task Step_Forward_DeferredMailWhoseTimeHasComeGoes()
    {
        var id = await DeferAsync();
        _clock.Step(Hour);
        await PostAsync("real");
        await _daemon.UntilAsync(id, EventType.MessageSent);
    }

    [Test]
    public async Task Step_Back_DeferredMailKeepsItsTimeOnTheWall()
    {
        var id = await DeferAsync();
        _clock.Step(-Hour);
        await _daemon.UntilAsync(await PostAsync("real"), EventType.MessageSent);
        Assert.That((string)(await _daemon.GetAsync($"/v1/messages/{id}"))["status"]!, Is.EqualTo("deferred"));

        _clock.Step(TimeSpan.FromMinutes(85));
        await _daemon.UntilAsync(await PostAsync("real"), EventType.MessageSent);
        Assert.That((string)(await _daemon.GetAsync($"/v1/messages/{id}"))["status"]!, Is.EqualTo("deferred"), "25 of its 30 minutes");

        _clock.Step(TimeSpan.FromMinutes(6));
        await PostAsync("real");
        await _daemon.UntilAsync(id, EventType.MessageSent);
    }

    [TestCase(1)]
    [TestCase(-1)]
    public async Task Step_ScheduledMail_GoesWhenTheClockSaysSo(int hours)
    {
        await _daemon.PutAccountAsync("real", _server.Port);
        var id = await _daemon.PostAsync(
            new
            {
                account = "real",
                from = "a@example.com",
                to = "late@example.com",
                text = "x",
                send_at = _clock.GetUtcNow().AddMinutes(30),
            }
        );
        _clock.Step(hours * Hour);
        await _daemon.UntilAsync(await PostAsync("real"), EventType.MessageSent);
        if (hours < 0)
        {
            Assert.That((string)(await _daemon.GetAsync($"/v1/messages/{id}"))["status"]!, Is.EqualTo("scheduled"));
            _clock.Step(TimeSpan.FromMinutes(91));
            await PostAsync("real");
        }

        await _daemon.UntilAsync(id, EventType.MessageSent);
    }

    [Test]
    public async Task Step_Back_AFailingWebhookIsTriedAgainAfterItsOwnWait()
    {
        await using var hook = await LoopbackWebhook.StartAsync();
        hook.AnswerWith(500);
        await _daemon.SendAsync(HttpMethod.Put, "/v1/webhooks/main", new { url = hook.Url });
        await _daemon.PutAccountAsync("real", _server.Port);
        await PostAsync("real");
        await Eventually.BecomesAsync(() => _daemon.GetAsync("/v1/webhooks/main"), webhook => (int)webhook["failures"]! > 0);
        hook.AnswerWith(200);
        _clock.Step(-Hour);

        await Eventually.BecomesAsync(() => _daemon.GetAsync("/v1/webhooks/main"), webhook => (int)webhook["failures"]! == 0);
    }

    private async Task<string> DeferAsync()
    {
        _server.Say("RCPT", "451 4.3.0 later");
        await _daemon.PutAccountAsync("real", _server.Port);
        var id = await PostAsync("real");
        await _daemon.UntilAsync(id, EventType.MessageDeferred);
        return id;
    }

    private Task<string> PostAsync(string account) =>
        _daemon.PostAsync(
            new
            {
                account,
                from = "a@example.com",
                to = "b@example.com",
                text = "x",
            }
        );
}
