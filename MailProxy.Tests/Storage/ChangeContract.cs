using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

[TestOf(typeof(IMessageStore))]
[TestFixture(typeof(SqliteBench))]
[TestFixture(typeof(PostgresBench))]
internal sealed class ChangeContract<TBench> : MessageStoreContract<TBench>
    where TBench : StoreBench, new()
{
    [Test]
    public async Task Change_UnknownMessage_IsNotFound() =>
        Assert.That(await ChangeAsync("nobody", new MessageChange.Cancel()), Is.InstanceOf<ChangeResult.NotFound>());

    [Test]
    public async Task Change_MarkedMessage_IsRefusedAsSending()
    {
        await MarkedAsync(Mail("m1"));

        Assert.That(
            await ChangeAsync("m1", new MessageChange.Cancel()),
            Is.EqualTo(new ChangeResult.Conflict("sending", MessageState.Sending))
        );
    }

    [Test]
    public async Task Retry_DeferredMessage_GoesAtOnce()
    {
        await SettleAsync(Put(await MarkedAsync(Mail("m1")), Now + 60_000));

        var result = await ChangeAsync("m1", new MessageChange.Retry(Now + 1000));

        Assert.That(((ChangeResult.Done)result).Due, Is.Zero);
        var look = Look("m1");
        Assert.That(
            (look.State, look.Queue!.Due, look.Queue.Round, look.Queue.Recipients, look.EventTypes.Last()),
            Is.EqualTo((MessageState.Queued, 0L, 1, 1, EventType.MessageQueued))
        );
    }

    [Test]
    public async Task Retry_FailedMessage_StartsOverForThoseNotAccepted()
    {
        var ticket = await MarkedAsync(Mail("m1", to: ["a@example.com", "b@example.com"]));
        await SettleAsync(
            Failed(ticket) with
            {
                Recipients =
                [
                    new(0, RecipientState.Failed, true, 550, null, "no"),
                    new(1, RecipientState.Ambiguous, true, null, null, null),
                ],
            }
        );

        var result = await ChangeAsync("m1", new MessageChange.Retry(Now + 1000));

        var look = Look("m1");
        Assert.That(result, Is.EqualTo(new ChangeResult.Done(MessageState.Queued, Lanes.Of(Account), 0, look.ExpiresAt)));
        Assert.That((look.State, look.Attempts, look.Queue!.Round, look.Queue.Recipients), Is.EqualTo((MessageState.Queued, 1, 0, 1)));
        Assert.That(look.Recipients.Select(r => r.State), Is.EqualTo(new[] { RecipientState.Pending, RecipientState.Ambiguous }));
        Assert.That(await MarkAsync(ticket), Is.False);
        Assert.That(await MarkAsync((await ClaimAsync()).Tickets.Single()), Is.True);
    }

    [Test]
    public async Task Retry_ExpiredMessage_GetsTheNewExpiry()
    {
        await AppendAsync(Mail("m1", expiresAt: Now + 1000));
        Bench.Clock.Advance(TimeSpan.FromSeconds(2));
        await Store.ExpireAsync(Now, 10);

        await ChangeAsync("m1", new MessageChange.Retry(Now + 5000));

        Assert.That(
            (Look("m1").State, Look("m1").ExpiresAt, Look("m1").Queue!.ExpiresAt),
            Is.EqualTo((MessageState.Queued, Now + 5000, Now + 5000))
        );
    }

    [Test]
    public async Task Retry_FailedMessageWithoutBody_IsPurged()
    {
        await SettleAsync(Failed(await MarkedAsync(Mail("m1"))));
        await Bench.PurgeBodyAsync("m1");

        Assert.That(await ChangeAsync("m1", new MessageChange.Retry(Now + 1000)), Is.InstanceOf<ChangeResult.Purged>());
    }

    [Test]
    public async Task Retry_QueuedMessage_ChangesNothing()
    {
        var ticket = await TicketAsync(Mail("m1"));

        Assert.That(((ChangeResult.Done)await ChangeAsync("m1", new MessageChange.Retry(Now))).Due, Is.Zero);
        Assert.That(Look("m1").Events, Has.Count.EqualTo(1));
        Assert.That(await MarkAsync(ticket), Is.True);
    }

    [Test]
    public async Task Reschedule_QueuedMessage_WaitsForTheNewTime()
    {
        var ticket = await TicketAsync(Mail("m1"));

        var result = await ChangeAsync("m1", new MessageChange.Reschedule(Now + 60_000));

        var look = Look("m1");
        Assert.That(result, Is.EqualTo(new ChangeResult.Done(MessageState.Scheduled, Lanes.Of(Account), Now + 60_000, look.ExpiresAt)));
        Assert.That(
            (look.State, look.SendAt, look.Queue!.Due, look.EventTypes.Last()),
            Is.EqualTo((MessageState.Scheduled, (long?)Now + 60_000, Now + 60_000, EventType.MessageScheduled))
        );
        Assert.That(await MarkAsync(ticket), Is.False);
    }

    [Test]
    public async Task Reschedule_HeldMessage_StaysHeldUntilReleased()
    {
        await AppendAsync(Mail("m1"));
        await ChangeAsync("m1", new MessageChange.Hold());

        var result = await ChangeAsync("m1", new MessageChange.Reschedule(Now + 60_000));
        Assert.That(((ChangeResult.Done)result).State, Is.EqualTo(MessageState.Held));

        await ChangeAsync("m1", new MessageChange.Release());
        Assert.That(Look("m1").Queue!.Due, Is.EqualTo(Now + 60_000));
    }

    [Test]
    public async Task Reschedule_BehindTheExpiry_IsRefused()
    {
        await AppendAsync(Mail("m1", expiresAt: Now + 1000));

        Assert.That(
            await ChangeAsync("m1", new MessageChange.Reschedule(Now + 1000)),
            Is.EqualTo(new ChangeResult.Conflict("expires_before_send_at", MessageState.Queued))
        );
    }

    [Test]
    public async Task Change_Events_HaveNoGaps()
    {
        await AppendAsync(Mail("m1"));
        await ChangeAsync("m1", new MessageChange.Hold());
        await ChangeAsync("m1", new MessageChange.Release());
        await ChangeAsync("m1", new MessageChange.Reschedule(Now + 1000));
        await ChangeAsync("m1", new MessageChange.Cancel());
        await AppendAsync(Mail("m1", "two"));

        Assert.That(Look("m1").Events.Select(e => e.Sequence), Is.EqualTo(Enumerable.Range(1, 6)));
    }

    [Test]
    public async Task Change_Made_IsInTheAuditLogWithOldAndNew()
    {
        await AppendAsync(Mail("m1", expiresAt: Now + 10_000));
        await ChangeAsync("m1", new MessageChange.Hold());
        await ChangeAsync("m1", new MessageChange.Reschedule(Now + 1000));
        await ChangeAsync("m1", new MessageChange.Release());
        await ChangeAsync("m1", new MessageChange.Retry(Now));
        await ChangeAsync("m1", new MessageChange.Cancel());

        var (before, later) = (
            $$"""{"status":"queued","expires_at":{{Now + 10_000}}}""",
            $$"""{"status":"held","send_at":{{Now + 1000}},"expires_at":{{Now + 10_000}}}"""
        );
        var audit = Bench.Audit();
        Assert.That(
            audit.Select(a => a.Action),
            Is.EqualTo(new[] { "message.hold", "message.reschedule", "message.release", "message.retry", "message.cancel" })
        );
        Assert.That(audit.Select(a => (a.Actor, a.Subject, a.At)), Is.All.EqualTo(("ann", "message/default/m1", Now)));
        Assert.That((audit[0].Before, audit[0].After), Is.EqualTo((before, before.Replace("queued", "held"))));
        Assert.That((audit[1].After, audit[2].Before), Is.EqualTo((later, later)));
        Assert.That(audit[4].After, Does.Contain("cancelled"));
    }

    [Test]
    public async Task Change_RefusedOrNone_IsNotInTheAuditLog()
    {
        await AppendAsync(Mail("m1"));
        await MarkedAsync(Mail("m2"));
        await ChangeAsync("m1", new MessageChange.Retry(Now)); // it is queued already
        await ChangeAsync("m1", new MessageChange.Release());
        await ChangeAsync("m2", new MessageChange.Cancel());
        await ChangeAsync("nobody", new MessageChange.Cancel());
        Assert.That(Bench.Audit(), Is.Empty);
    }
}
