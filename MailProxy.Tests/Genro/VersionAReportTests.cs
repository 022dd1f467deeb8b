using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Genro;

/// <summary>Reports of version A: one address, final states, seven members.</summary>
internal sealed class VersionAReportTests : VersionAFixture
{
    private static readonly string[] Members = ["id", "account_id", "priority", "sent_ts", "error_ts", "error", "deferred_ts"];

    [Test]
    public async Task Entries_OfFinalStates_HaveAllSevenMembers()
    {
        await ReportHereAsync(("Genro:SyncUser", "u"), ("Genro:SyncPassword", "p"));
        await QueueAsync(Mail("good", new { priority = "high" }));
        var hit = await NextTellingAsync();
        var sent = Entries(hit).Single();
        await QueueAsync(Mail("bad", new { to = "perm@example.org" }));
        var failed = Entries(await NextTellingAsync()).Single();
        using (Assert.EnterMultipleScope())
        {
            Assert.That((hit.Path, hit.Authorization), Is.EqualTo(("/hook", "Basic " + Convert.ToBase64String("u:p"u8))));
            Assert.That(sent.Select(static one => one.Key), Is.EqualTo(Members));
            Assert.That(failed.Select(static one => one.Key), Is.EqualTo(Members));
            Assert.That(((string?)sent["id"], (string?)sent["account_id"], (int)sent["priority"]!), Is.EqualTo(("good", "main", 1)));
            Assert.That((long)sent["sent_ts"]!, Is.GreaterThan(1_700_000_000));
            Assert.That(new[] { sent["error_ts"], sent["error"], sent["deferred_ts"], failed["sent_ts"] }, Is.All.Null);
            Assert.That(((string?)failed["id"], (int)failed["priority"]!), Is.EqualTo(("bad", 2)));
            Assert.That((long)failed["error_ts"]!, Is.GreaterThan(1_700_000_000));
            Assert.That((string?)failed["error"], Does.Contain("550"));
        }
    }

    [Test]
    public async Task Token_BeforeUserAndPassword_IsSent()
    {
        await ReportHereAsync(("Genro:SyncToken", "s3cr3t"), ("Genro:SyncUser", "u"));
        Assert.That((await _application.NextAsync()).Authorization, Is.EqualTo("Bearer s3cr3t"));
    }

    [Test]
    public async Task Message_ThatIsDeferred_IsToldWhenItEnded()
    {
        await ReportHereAsync();
        await _application.NextAsync();
        _smtp.Say("RCPT", "451 4.3.0 Later");
        await QueueAsync(Mail("late"));
        await MailAsync("late", static row => row["deferred_ts"] is not null);
        await QueueAsync(Mail("good"));
        Assert.That((string)Entries(await NextTellingAsync()).Single()["id"]!, Is.EqualTo("good"), "nothing was told of the other");
    }

    [Test]
    public async Task Suspension_HoldsReportsAndNotMail()
    {
        await ReportHereAsync();
        await _application.NextAsync();
        Assert.That((await PostAsync("/commands/suspend")).Body!.ToJsonString(), Is.EqualTo("""{"ok":true}"""));
        await QueueAsync(Mail("m"));
        await MailAsync("m", static row => row["sent_ts"] is not null);
        Assert.That((await PostAsync("/commands/run-now")).Body!.ToJsonString(), Is.EqualTo("""{"ok":true}"""));
        await ReportHereAsync();
        await QueueAsync(Mail("n"));
        await MailAsync("n", static row => row["sent_ts"] is not null);
        Assert.That(_application.Hits.SelectMany(Entries), Is.Empty, "over a restart too");
        Assert.That((await PostAsync("/commands/activate")).Body!.ToJsonString(), Is.EqualTo("""{"ok":true}"""));
        Assert.That(Entries(await NextTellingAsync()).Select(static one => (string)one["id"]!), Is.EqualTo(new[] { "m", "n" }));
    }

    [Test]
    public async Task RunNow_CallsTheApplication_EmptyOrNot()
    {
        await ReportHereAsync();
        await _application.NextAsync();
        await PostAsync("/commands/run-now");
        Assert.That(Entries(await _application.NextAsync()), Is.Empty);
    }

    [Test]
    public async Task Reported_CleanedUp_IsListedNoMore()
    {
        await ReportHereAsync();
        await QueueAsync(Mail("m"));
        await NextTellingAsync();
        await Eventually.BecomesAsync(
            async () => (int)(await PostAsync("/commands/cleanup-messages", new { older_than_seconds = 0 })).Body!["removed"]!,
            static removed => removed == 1
        );
        Assert.That(await AllAsync(), Is.Empty);
        Assert.That((string?)(await AddAsync(Mail("m"))).Body!["rejected"]![0]!["reason"], Is.EqualTo("already sent"));
    }

    [Test]
    public async Task Ends_OverARestart_AreAllTold()
    {
        const int mails = 40;
        await ReportHereAsync();
        for (var n = 0; n < mails; n++)
        {
            if (n == mails / 2)
            {
                await UntilToldAsync(mails / 4);
                await ReportHereAsync();
            }

            await QueueAsync(Mail($"test_{n}", new { to = n % 10 == 3 ? "perm@example.org" : "b@example.org" }));
            await PostAsync("/commands/run-now");
        }

        await UntilToldAsync(mails);
        using (Assert.EnterMultipleScope())
        {
            foreach (var hit in _application.Hits)
                Assert.That(Entries(hit).Select(static one => (string)one["id"]!), Is.Unique, "in one call");
            var failed = _application.Hits.SelectMany(Entries).Where(static one => one["error"] is not null);
            Assert.That(failed.Select(static one => (string)one["id"]!).Distinct().Count(), Is.EqualTo(mails / 10));
        }

        var calls = _application.Hits.Count;
        await PostAsync("/commands/run-now");
        await Eventually.BecomesAsync(() => Task.FromResult(_application.Hits.Count), count => count > calls);
        Assert.That(Entries(_application.Hits[^1]), Is.Empty, "nothing is told without an end");
    }

    private Task UntilToldAsync(int ids) =>
        Eventually.BecomesAsync(
            () => Task.FromResult(_application.Hits.SelectMany(Entries).Select(static one => (string)one["id"]!).Distinct().Count()),
            told => told >= ids,
            TimeSpan.FromSeconds(60)
        );

    private Task ReportHereAsync(params (string Name, string Value)[] more) => RestartAsync([("Genro:SyncUrl", _application.Url), .. more]);

    private async Task<WebhookHit> NextTellingAsync()
    {
        while (true)
        {
            if (await _application.NextAsync() is var hit && Entries(hit).Any())
                return hit;
        }
    }
}
