using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>A fresh start: post, delivered to the sandbox, nothing else set up; and the failures that its recipients rehearse.</summary>
internal sealed class SandboxTests : DaemonFixture
{
    [Test]
    public async Task Post_FreshStart_ArrivesInTheSandbox()
    {
        var id = await _daemon.PostAsync(
            new
            {
                from = "Shop <shop@example.com>",
                to = "ann@example.com",
                subject = "Grüße",
                text = "It works.",
            }
        );
        await _daemon.UntilAsync(id, EventType.MessageSent);

        var mails = (await _daemon.GetAsync("/v1/sandbox/messages"))["data"]!.AsArray();
        Assert.That(mails, Has.Count.EqualTo(1));
        Assert.That((string)mails[0]!["subject"]!, Is.EqualTo("Grüße"));
        var message = await _daemon.GetAsync($"/v1/messages/{id}");
        Assert.That((string)message["status"]!, Is.EqualTo("sent"));
        Assert.That((int)message["recipients"]![0]!["smtp_code"]!, Is.EqualTo(250));
    }

    [Test]
    public async Task Post_RefusedRecipient_FailsWithTheServersWords()
    {
        var id = await _daemon.PostAsync(
            new
            {
                from = "a@example.com",
                to = "perm@example.com",
                text = "x",
            }
        );
        await _daemon.UntilAsync(id, EventType.MessageFailed);

        var recipient = (await _daemon.GetAsync($"/v1/messages/{id}"))["recipients"]![0]!;
        Assert.That((string)recipient["status"]!, Is.EqualTo("failed"));
        Assert.That((int)recipient["smtp_code"]!, Is.EqualTo(550));
        Assert.That((string)recipient["enhanced_code"]!, Is.EqualTo("5.1.1"));
    }

    [Test]
    public async Task Post_PartlyRefused_SendsToTheGoodOnceAndReportsTheBad()
    {
        var id = await _daemon.PostAsync(
            new
            {
                from = "a@example.com",
                to = new[] { "good@example.com", "perm@example.com" },
                text = "x",
            }
        );
        await _daemon.UntilAsync(id, EventType.MessagePartiallySent);

        Assert.That((await _daemon.GetAsync("/v1/sandbox/messages"))["data"]!.AsArray(), Has.Count.EqualTo(1));
        var states = (await _daemon.GetAsync($"/v1/messages/{id}"))["recipients"]!.AsArray().Select(r => (string)r!["status"]!);
        Assert.That(states, Is.EqualTo(new[] { "sent", "failed" }));
    }

    [Test]
    public async Task Post_TemporaryRefusal_IsDeferredWithItsNextAttempt()
    {
        var id = await _daemon.PostAsync(
            new
            {
                from = "a@example.com",
                to = "temp@example.com",
                text = "x",
            }
        );
        await _daemon.UntilAsync(id, EventType.MessageDeferred);

        var message = await _daemon.GetAsync($"/v1/messages/{id}");
        Assert.That((string)message["status"]!, Is.EqualTo("deferred"));
        Assert.That(
            DateTimeOffset.Parse((string)message["next_attempt_at"]!),
            Is.GreaterThan(DateTimeOffset.Parse((string)message["created_at"]!))
        );
    }

    [Test]
    public async Task Retry_OfADeferredMessage_TriesAtOnceUntilItIsSent()
    {
        var id = await _daemon.PostAsync(
            new
            {
                from = "a@example.com",
                to = "temp3@example.com",
                text = "x",
            }
        );
        for (var attempt = 1; attempt <= 3; attempt++)
        {
            var wanted = attempt;
            await _daemon.EventsAsync(e => e.MessageId == id && e.Type == EventType.MessageDeferred, wanted);
            Assert.That((int)await _daemon.SendAsync(HttpMethod.Post, $"/v1/messages/{id}/retry"), Is.EqualTo(200));
        }

        await _daemon.UntilAsync(id, EventType.MessageSent);
    }

    [Test]
    public async Task Post_DroppedAfterTheFinalDot_IsAmbiguousAndHeldWhenAsked()
    {
        var id = await _daemon.PostAsync(
            new
            {
                from = "a@example.com",
                to = "drop@example.com",
                text = "x",
                on_ambiguous = "hold",
            }
        );
        await _daemon.UntilAsync(id, EventType.MessageAmbiguous);

        var message = await _daemon.GetAsync($"/v1/messages/{id}");
        Assert.That((string)message["status"]!, Is.EqualTo("held"));
        Assert.That((string)message["hold_reason"]!, Is.EqualTo("ambiguous"));
    }

    [Test]
    public async Task Events_OfAMessage_CountFromOneWithoutGaps()
    {
        var id = await _daemon.PostAsync(
            new
            {
                from = "a@example.com",
                to = new[] { "b@example.com" },
                text = "x",
                tags = new[] { "t" },
                metadata = new { order = 7 },
            }
        );
        await _daemon.UntilAsync(id, EventType.MessageSent);

        var events = (await _daemon.GetAsync($"/v1/messages/{id}/events"))["data"]!.AsArray();
        Assert.That(events.Select(e => (int)e!["sequence"]!), Is.EqualTo(new[] { 1, 2 }));
        Assert.That(events.Select(e => (string)e!["type"]!), Is.EqualTo(new[] { "message.queued", "message.sent" }));
        Assert.That((int)events[1]!["data"]!["metadata"]!["order"]!, Is.EqualTo(7));
    }

    [Test]
    public async Task Suspend_HoldsBackWhatIsPostedUntilActivate()
    {
        await _daemon.SendAsync(HttpMethod.Post, "/v1/dispatcher/suspend");
        var id = await _daemon.PostAsync(
            new
            {
                from = "a@example.com",
                to = "b@example.com",
                text = "x",
            }
        );
        var waiting = await _daemon.GetAsync($"/v1/messages/{id}");
        Assert.That((string)waiting["status"]!, Is.EqualTo("queued"));
        Assert.That(waiting["waiting_for"]!.ToJsonString(), Does.Contain("suspended"));

        await _daemon.SendAsync(HttpMethod.Post, "/v1/dispatcher/activate");
        await _daemon.UntilAsync(id, EventType.MessageSent);
    }

    [Test]
    public async Task Cancel_OfAHeldMessage_IsFinalAndNothingIsSent()
    {
        await _daemon.SendAsync(HttpMethod.Post, "/v1/dispatcher/suspend");
        var id = await _daemon.PostAsync(
            new
            {
                from = "a@example.com",
                to = "b@example.com",
                text = "x",
            }
        );
        Assert.That((int)await _daemon.SendAsync(HttpMethod.Post, $"/v1/messages/{id}/hold"), Is.EqualTo(200));
        Assert.That((int)await _daemon.SendAsync(HttpMethod.Post, $"/v1/messages/{id}/cancel"), Is.EqualTo(200));
        await _daemon.SendAsync(HttpMethod.Post, "/v1/dispatcher/activate");

        var other = await _daemon.PostAsync(
            new
            {
                from = "a@example.com",
                to = "c@example.com",
                text = "x",
            }
        );
        await _daemon.UntilAsync(other, EventType.MessageSent);
        Assert.That((await _daemon.GetAsync("/v1/sandbox/messages"))["data"]!.AsArray(), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Raw_OfASentMessage_IsWhatTheServerGot()
    {
        var id = await _daemon.PostAsync(
            new
            {
                from = "a@example.com",
                to = "b@example.com",
                bcc = "secret@example.com",
                subject = "s",
                text = "t",
                html = "<p>h</p>",
            }
        );
        await _daemon.UntilAsync(id, EventType.MessageSent);

        var raw = await _daemon.Http.GetByteArrayAsync($"/v1/messages/{id}/raw");
        var caught = (await _daemon.GetAsync("/v1/sandbox/messages"))["data"]![0]!;
        var got = await _daemon.Http.GetByteArrayAsync($"/v1/sandbox/messages/{caught["id"]}/raw");
        Assert.That(got, Is.EqualTo(raw));
        Assert.That(System.Text.Encoding.ASCII.GetString(raw), Does.Not.Contain("secret@"));
    }
}
