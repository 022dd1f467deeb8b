using System.Net;
using System.Text.Json.Nodes;
using NUnit.Framework;

namespace MailProxy.Tests.Genro;

/// <summary>Rows, their times and history; removing and hiding them.</summary>
internal sealed class RowTests : GenroFixture
{
    [SetUp]
    public async Task Prepare()
    {
        await MakeTenantAsync("acme");
        await MakeAccountAsync("acme");
    }

    [Test]
    public async Task Row_OfASentMessage_HasItsMembers()
    {
        await QueueAsync(
            Message(
                "m",
                "acme",
                new
                {
                    to = "a@example.org, b@example.org",
                    priority = "high",
                    batch_code = "B 1",
                    headers = new { X = "y" },
                }
            )
        );
        var row = await RowAsync("acme", "m", static row => row["sent_ts"] is not null);
        var message = row["message"]!;
        using (Assert.EnterMultipleScope())
        {
            Assert.That((string?)row["pk"], Is.Not.Empty);
            Assert.That(
                (
                    (string?)row["tenant_id"],
                    (string?)row["tenant_name"],
                    (string?)row["account_id"],
                    (int)row["priority"]!,
                    (string?)row["batch_code"]
                ),
                Is.EqualTo(("acme", "ACME", "main", 1, "B 1"))
            );
            Assert.That((string?)row["created_at"], Does.Match(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$"));
            Assert.That((string?)row["updated_at"], Does.Match(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$"));
            Assert.That((bool)row["is_pec"]!, Is.False);
            Assert.That(row.ContainsKey("error_ts") || row.ContainsKey("error") || row.ContainsKey("deferred_ts"), Is.False);
            Assert.That(row.ContainsKey("history"), Is.False);
            Assert.That((int)message["retry_count"]!, Is.Zero);
        }
    }

    [Test]
    public async Task Row_OfAWaitingMessage_HasItAsItWasSubmitted()
    {
        var written = Message(
            "m",
            "acme",
            new
            {
                to = "a@example.org, b@example.org",
                cc = new[] { "c@example.org" },
                reply_to = "r@example.com",
                message_id = "<x@example.com>",
                headers = new { X = "y" },
                deferred_ts = 4_000_000_000,
                content_type = "html",
            }
        );
        await QueueAsync(written.DeepClone());
        var message = (await RowsAsync("acme")).Single()["message"]!;
        using (Assert.EnterMultipleScope())
        {
            foreach (var (name, value) in written)
                Assert.That(message[name]?.ToJsonString(), Is.EqualTo(value?.ToJsonString()), name);
        }
    }

    [Test]
    public async Task Row_OfAFailedMessage_HasErrorAndNoSentTime()
    {
        _smtp.Say("RCPT", "550 5.1.1 No such user");
        await QueueAsync(Message("m", "acme"));
        var row = await RowAsync("acme", "m", static row => row["error_ts"] is not null);
        Assert.That((string?)row["error"], Does.Contain("550 5.1.1 No such user"));
        Assert.That(row.ContainsKey("sent_ts"), Is.False);
    }

    [Test]
    public async Task Row_OfAPartlyRefusedMessage_HasBoth()
    {
        _smtp.Say("RCPT", "250 2.1.5 OK", "550 5.1.1 No such user");
        await QueueAsync(Message("m", "acme", new { to = "a@example.org,b@example.org" }));
        var row = await RowAsync("acme", "m", static row => row["error_ts"] is not null);
        Assert.That(row.ContainsKey("sent_ts"), Is.True);
        Assert.That((string?)row["error"], Does.Contain("No such user"));
    }

    [Test]
    public async Task Row_OfADeferredMessage_HasItsNextAttempt()
    {
        _smtp.Say("RCPT", "451 4.3.0 Later");
        await QueueAsync(Message("m", "acme"));
        var row = await RowAsync("acme", "m", static row => row["deferred_ts"] is not null);
        Assert.That((long)row["deferred_ts"]!, Is.GreaterThan(DateTimeOffset.UtcNow.ToUnixTimeSeconds() + 30));
        Assert.That((int)row["message"]!["retry_count"]!, Is.EqualTo(1));
        Assert.That(row.ContainsKey("sent_ts") || row.ContainsKey("error_ts"), Is.False);
    }

    [Test]
    public async Task Rows_Listed_AreByPriorityAndTime()
    {
        await PostAsync("/commands/suspend?tenant_id=acme");
        await QueueAsync(
            Message("low", "acme", new { priority = 3 }),
            Message("b", "acme"),
            Message("now", "acme", new { priority = 0 }),
            Message("a", "acme")
        );
        var ids = (await RowsAsync("acme")).Select(static row => (string)row["id"]!).ToArray();
        Assert.That((ids[0], ids[^1]), Is.EqualTo(("now", "low")));
        Assert.That(await RowsAsync("none"), Is.Empty);
        Assert.That((int)(await GetAsync("/messages")).Status, Is.EqualTo(422));
        Assert.That((int)(await GetAsync("/messages?tenant_id=acme&active_only=perhaps")).Status, Is.EqualTo(422));
    }

    [Test]
    public async Task Rows_OnlyActive_LeavesFinalOnesOut()
    {
        await QueueAsync(Message("sent", "acme"), Message("later", "acme", new { deferred_ts = 4_000_000_000 }));
        await RowAsync("acme", "sent", static row => row["sent_ts"] is not null);
        Assert.That((await RowsAsync("acme", "&active_only=1")).Select(static row => (string)row["id"]!), Is.EqualTo(new[] { "later" }));
    }

    [Test]
    public async Task History_OfAReportedMessage_SaysWhenItWasReported()
    {
        _smtp.Say("RCPT", "550 5.1.1 No such user");
        await QueueAsync(Message("m", "acme"));
        await ReportAsync();
        JsonNode? one = null;
        await Support.Eventually.BecomesAsync(
            async () =>
            {
                one = (await RowsAsync("acme", "&include_history=true")).Single()["history"]!.AsArray().Single();
                return one!["reported_ts"] is not null;
            },
            static yes => yes
        );
        Assert.That((string?)one!["event_type"], Is.EqualTo("error"));
        Assert.That((long)one["event_id"]!, Is.Positive);
        Assert.That((long)one["event_ts"]!, Is.LessThanOrEqualTo((long)one["reported_ts"]!));
        Assert.That((string?)one["description"], Does.Contain("No such user"));
    }

    [Test]
    public async Task Delete_OfWaitingAndUnknownIds_FreesTheIdsAndReportsNothing()
    {
        await MakeTenantAsync("other", reports: false);
        await MakeAccountAsync("other");
        await QueueAsync(Message("theirs", "other", new { deferred_ts = 4_000_000_000 }));
        await QueueAsync(Message("m", "acme", new { deferred_ts = 4_000_000_000 }), Message("sent", "acme"));
        await RowAsync("acme", "sent", static row => row["sent_ts"] is not null);
        var (status, answer) = await PostAsync(
            "/commands/delete-messages?tenant_id=acme",
            new { ids = new[] { "m", "sent", "none", "theirs" } }
        );
        Assert.That(status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(answer!.ToJsonString(), Is.EqualTo("""{"ok":true,"removed":2,"not_found":[],"unauthorized":["none","theirs"]}"""));
        Assert.That(await RowsAsync("acme"), Is.Empty);
        Assert.That(await RowsAsync("other"), Has.Length.EqualTo(1));
        await QueueAsync(Message("sent", "acme", new { subject = "Again" }));
        await RowAsync("acme", "sent", static row => row["sent_ts"] is not null);
        Assert.That(_application.Hits.SelectMany(Entries).Where(static entry => (string)entry["id"]! == "m"), Is.Empty);
        Assert.That((int)(await PostAsync("/commands/delete-messages?tenant_id=acme", new { })).Status, Is.EqualTo(422));
    }

    [Test]
    public async Task Cleanup_OfReportedMessages_HidesThemAndKeepsTheirIds()
    {
        await QueueAsync(Message("m", "acme"), Message("later", "acme", new { deferred_ts = 4_000_000_000 }));
        await ReportAsync();
        Assert.That((int)(await PostAsync("/commands/cleanup-messages?tenant_id=acme")).Body!["removed"]!, Is.Zero, "not seven days old");
        await Support.Eventually.BecomesAsync(
            async () =>
                (int)(await PostAsync("/commands/cleanup-messages?tenant_id=acme", new { older_than_seconds = 0 })).Body!["removed"]!,
            static removed => removed == 1
        );
        Assert.That((await RowsAsync("acme")).Select(static row => (string)row["id"]!), Is.EqualTo(new[] { "later" }));
        Assert.That((string?)(await AddAsync(Message("m", "acme"))).Body!["rejected"]![0]!["reason"], Is.EqualTo("already sent"));
    }

    [Test]
    public async Task Cleanup_OfUnreportedMessages_RemovesNone()
    {
        _application.AnswerWith(500);
        await QueueAsync(Message("m", "acme"));
        await ReportAsync();
        Assert.That(
            (int)(await PostAsync("/commands/cleanup-messages?tenant_id=acme", new { older_than_seconds = 0 })).Body!["removed"]!,
            Is.Zero
        );
    }
}
