using System.Net;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>Mail that has a time: not before, not after, and a person who changes it.</summary>
[TestFixture]
internal sealed class TimeTests : DaemonFixture
{
    [Test]
    public async Task SendAt_InTheNearFuture_IsSentThenAndNotBefore()
    {
        var at = DateTimeOffset.UtcNow.AddSeconds(2);
        var id = await _daemon.PostAsync(
            new
            {
                from = "a@example.com",
                to = "b@example.com",
                text = "x",
                send_at = at,
            }
        );
        var waiting = await _daemon.GetAsync($"/v1/messages/{id}");
        Assert.That((string)waiting["status"]!, Is.EqualTo("scheduled"));
        Assert.That((string)waiting["waiting_for"]!["reason"]!, Is.EqualTo("send_at"));

        var sent = (await _daemon.UntilAsync(id, EventType.MessageSent))[0];
        Assert.That(sent.At, Is.GreaterThanOrEqualTo(at.ToUnixTimeMilliseconds()));
        Assert.That(await TypesAsync(id), Is.EqualTo(new[] { "message.scheduled", "message.sent" }));
    }

    [Test]
    public async Task SendAt_OverARestart_IsStillSentThen()
    {
        var at = DateTimeOffset.UtcNow.AddSeconds(2);
        var id = await _daemon.PostAsync(
            new
            {
                from = "a@example.com",
                to = "b@example.com",
                text = "x",
                send_at = at,
            }
        );
        await _daemon.StopAsync();
        await _daemon.DisposeAsync();

        _daemon = await TestDaemon.StartAsync(_directory);
        var sent = (await _daemon.UntilAsync(id, EventType.MessageSent))[0];
        Assert.That(sent.At, Is.GreaterThanOrEqualTo(at.ToUnixTimeMilliseconds()));
    }

    [TestCase("")]
    [TestCase("restart")]
    public async Task ExpiresAt_WhileSuspended_ExpiresAndIsNeverSent(string how)
    {
        await _daemon.SendAsync(HttpMethod.Post, "/v1/dispatcher/suspend");
        var id = await _daemon.PostAsync(
            new
            {
                from = "a@example.com",
                to = "b@example.com",
                text = "x",
                expires_at = DateTimeOffset.UtcNow.AddSeconds(1),
            }
        );
        if (how == "restart")
        {
            await _daemon.StopAsync();
            await _daemon.DisposeAsync();
            _daemon = await TestDaemon.StartAsync(_directory);
        }

        await _daemon.UntilAsync(id, EventType.MessageExpired);
        await _daemon.SendAsync(HttpMethod.Post, "/v1/dispatcher/activate");
        await _daemon.UntilAsync(
            await _daemon.PostAsync(
                new
                {
                    from = "a@example.com",
                    to = "c@example.com",
                    text = "x",
                }
            ),
            EventType.MessageSent
        );

        var message = await _daemon.GetAsync($"/v1/messages/{id}");
        Assert.That((string)message["status"]!, Is.EqualTo("expired"));
        Assert.That((string)message["recipients"]![0]!["status"]!, Is.EqualTo("expired"));
        Assert.That((await _daemon.GetAsync("/v1/sandbox/messages"))["data"]!.AsArray(), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task ExpiresAt_OfAHeldMessage_DoesNotCount()
    {
        await _daemon.SendAsync(HttpMethod.Post, "/v1/dispatcher/suspend");
        var expires = DateTimeOffset.UtcNow.AddSeconds(2);
        var held = await _daemon.PostAsync(
            new
            {
                from = "a@example.com",
                to = "b@example.com",
                text = "x",
                expires_at = expires,
            }
        );
        var other = await _daemon.PostAsync(
            new
            {
                from = "a@example.com",
                to = "c@example.com",
                text = "x",
                expires_at = expires,
            }
        );
        Assert.That(await _daemon.SendAsync(HttpMethod.Post, $"/v1/messages/{held}/hold"), Is.EqualTo(HttpStatusCode.OK));

        await _daemon.UntilAsync(other, EventType.MessageExpired);
        Assert.That((string)(await _daemon.GetAsync($"/v1/messages/{held}"))["status"]!, Is.EqualTo("held"));
    }

    [Test]
    public async Task Reschedule_ToNow_GoesAtOnce()
    {
        var id = await _daemon.PostAsync(
            new
            {
                from = "a@example.com",
                to = "b@example.com",
                text = "x",
                send_at = DateTimeOffset.UtcNow.AddHours(1),
            }
        );
        Assert.That(
            await _daemon.SendAsync(
                HttpMethod.Post,
                $"/v1/messages/{id}/reschedule",
                new { send_at = DateTimeOffset.UtcNow.AddSeconds(-1) }
            ),
            Is.EqualTo(HttpStatusCode.OK)
        );
        await _daemon.UntilAsync(id, EventType.MessageSent);
        Assert.That(await TypesAsync(id), Is.EqualTo(new[] { "message.scheduled", "message.queued", "message.sent" }));
    }

    [Test]
    public async Task Reschedule_BeyondAnExpiryThatNobodyAskedFor_MovesItAlong()
    {
        var id = await _daemon.PostAsync(
            new
            {
                from = "a@example.com",
                to = "b@example.com",
                text = "x",
                send_at = DateTimeOffset.UtcNow.AddHours(1),
            }
        );
        var sendAt = DateTimeOffset.FromUnixTimeSeconds(DateTimeOffset.UtcNow.AddDays(30).ToUnixTimeSeconds());
        Assert.That(
            await _daemon.SendAsync(HttpMethod.Post, $"/v1/messages/{id}/reschedule", new { send_at = sendAt }),
            Is.EqualTo(HttpStatusCode.OK)
        );
        var moved = await _daemon.GetAsync($"/v1/messages/{id}");
        Assert.That(DateTimeOffset.Parse((string)moved["expires_at"]!), Is.EqualTo(sendAt.AddDays(5)));
        Assert.That((string)moved["status"]!, Is.EqualTo("scheduled"));
    }

    [Test]
    public async Task Reschedule_BeyondAnExpiryThatWasAskedFor_TakesANewOne()
    {
        var id = await _daemon.PostAsync(
            new
            {
                from = "a@example.com",
                to = "b@example.com",
                text = "x",
                send_at = DateTimeOffset.UtcNow.AddHours(1),
                expires_at = DateTimeOffset.UtcNow.AddHours(2),
            }
        );
        var sendAt = DateTimeOffset.FromUnixTimeSeconds(DateTimeOffset.UtcNow.AddDays(30).ToUnixTimeSeconds());
        Assert.That(
            await _daemon.SendAsync(HttpMethod.Post, $"/v1/messages/{id}/reschedule", new { send_at = sendAt }),
            Is.EqualTo(HttpStatusCode.Conflict)
        );
        Assert.That(
            await _daemon.SendAsync(HttpMethod.Post, $"/v1/messages/{id}/reschedule", new { send_at = sendAt, expires_at = sendAt }),
            Is.EqualTo(HttpStatusCode.UnprocessableEntity)
        );
        Assert.That(
            await _daemon.SendAsync(
                HttpMethod.Post,
                $"/v1/messages/{id}/reschedule",
                new { send_at = sendAt, expires_at = sendAt.AddHours(1) }
            ),
            Is.EqualTo(HttpStatusCode.OK)
        );
        Assert.That(
            DateTimeOffset.Parse((string)(await _daemon.GetAsync($"/v1/messages/{id}"))["expires_at"]!),
            Is.EqualTo(sendAt.AddHours(1))
        );
    }

    [Test]
    public async Task Release_OfAHeldMessage_GoesAtOnce()
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
        await _daemon.SendAsync(HttpMethod.Post, $"/v1/messages/{id}/hold");
        await _daemon.SendAsync(HttpMethod.Post, "/v1/dispatcher/activate");
        Assert.That(await _daemon.SendAsync(HttpMethod.Post, $"/v1/messages/{id}/release"), Is.EqualTo(HttpStatusCode.OK));
        await _daemon.UntilAsync(id, EventType.MessageSent);
        Assert.That(await TypesAsync(id), Is.EqualTo(new[] { "message.queued", "message.held", "message.released", "message.sent" }));
    }

    private async Task<string[]> TypesAsync(string id) =>
        [.. (await _daemon.GetAsync($"/v1/messages/{id}/events"))["data"]!.AsArray().Select(e => (string)e!["type"]!)];
}
