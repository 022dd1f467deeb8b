using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

[TestFixture(typeof(SqliteBench))]
[TestFixture(typeof(PostgresBench))]
internal sealed class SameIdContract<TBench> : MessageStoreContract<TBench>
    where TBench : StoreBench, new()
{
    [Test]
    public async Task Append_SameContent_AnswersTheStoredStateAndChangesNothing()
    {
        await AppendAsync(Mail("m1", sendAt: Now + 60_000));
        var before = Look("m1");
        Bench.Clock.Advance(TimeSpan.FromSeconds(5));

        var appended = await AppendAsync(Mail("m1", sendAt: Now + 60_000));

        Assert.That(Lines(appended)[0], Is.EqualTo(new ReceiptLine("m1", MessageState.Scheduled, before.CreatedAt)));
        Assert.That(appended.Tickets, Is.Empty);
        Assert.That(appended.Later, Is.Empty);
        Assert.That(Look("m1").Sequence, Is.EqualTo(1));
    }

    [Test]
    public async Task Append_SameContentOfSentMail_AnswersSent()
    {
        await SettleAsync(Sent(await MarkedAsync(Mail("m1"))));

        Assert.That(await PutAsync(Mail("m1")), Is.EqualTo(new ReceiptLine("m1", MessageState.Sent, Now)));
    }

    [Test]
    public async Task Append_OtherContentOfMarkedMail_MarksTheNewOneWhileTheOldTicketIsStillOut()
    {
        var old = await TicketAsync(Mail("m1"));
        Assert.That(await In30(Marks.MarkAsync(new(old, 1, default, Now))), Is.True);

        var fresh = (await AppendAsync(Mail("m1", "two"))).Tickets.Single();

        Assert.That(await MarkAsync(fresh), Is.True);
        Store.Release(old);
        Assert.That(await SettleAsync(Sent(fresh)), Is.True);
        Assert.That(Look("m1").State, Is.EqualTo(MessageState.Sent));
    }

    [Test]
    public async Task Release_MarkedAndNotBegun_CanBeMarkedAgain()
    {
        var ticket = await TicketAsync(Mail("m1"));
        Assert.That(await In30(Marks.MarkAsync(new(ticket, 1, default, Now))), Is.True);
        Store.Release(ticket);

        Assert.That(await MarkAsync((await ClaimAsync()).Tickets.Single()), Is.True);
    }

    [Test]
    public async Task Append_OtherContent_Replaces()
    {
        var old = await TicketAsync(Mail("m1", to: ["a@example.com", "b@example.com"]));

        var appended = await AppendAsync(Mail("m1", "two", priority: Priority.High, to: ["c@example.com"]));

        Assert.That(Lines(appended)[0].State, Is.EqualTo(MessageState.Queued));
        Assert.That(appended.Tickets, Is.EqualTo(new[] { old with { Revision = 2, Priority = Priority.High, Recipients = 1 } }));
        var look = Look("m1");
        Assert.That((look.Revision, look.Json, look.Recipients.Single().Address), Is.EqualTo((2, """{"text":"two"}""", "c@example.com")));
        Assert.That(
            look.Events,
            Is.EqualTo(
                new[]
                {
                    new EventLook(1, EventType.MessageQueued, MessageState.Queued, 0, null),
                    new EventLook(2, EventType.MessageReplaced, MessageState.Queued, 0, null),
                }
            )
        );
        Assert.That(await MarkAsync(old), Is.False);
    }

    [Test]
    public async Task Append_OtherContentOfDeferredMail_StartsItsAttemptsOver()
    {
        await SettleAsync(Put(await MarkedAsync(Mail("m1")), Now + 60_000));

        await AppendAsync(Mail("m1", "two"));

        var look = Look("m1");
        Assert.That((look.State, look.Attempts, look.Queue!.Round, look.Queue.Due), Is.EqualTo((MessageState.Queued, 0, 0, 0L)));
        Assert.That(look.Recipients.Single(), Is.EqualTo(new RecipientLook("a@example.com", RecipientState.Pending, 0, null, null, null)));
    }

    [Test]
    public async Task Append_OtherContentOfHeldMail_StaysHeld()
    {
        await AppendAsync(Mail("m1"));
        await ChangeAsync("m1", new MessageChange.Hold());

        var appended = await AppendAsync(Mail("m1", "two"));

        Assert.That(Lines(appended)[0].State, Is.EqualTo(MessageState.Held));
        Assert.That(appended.Tickets, Is.Empty);
        Assert.That((Look("m1").Queue!.State, Look("m1").HoldReason), Is.EqualTo((2, "manual")));
    }

    [Test]
    public async Task Append_OtherContentWhileMarked_IsRefusedAsSending()
    {
        await MarkedAsync(Mail("m1"));

        var line = await PutAsync(Mail("m1", "two"));

        Assert.That(
            (line.Id, line.State, line.Problem!.Status, line.Problem.Code),
            Is.EqualTo(("m1", MessageState.Sending, 409, "sending"))
        );
        Assert.That(Look("m1").Json, Does.Contain("one"));
    }

    [TestCase(MessageState.Sent)]
    [TestCase(MessageState.PartiallySent)]
    [TestCase(MessageState.Ambiguous)]
    public async Task Append_OtherContentOfSentMail_IsRefusedAsAlreadySent(MessageState state)
    {
        await EndAsync("m1", state);

        var line = await PutAsync(Mail("m1", "two"));

        Assert.That((line.State, line.Problem!.Status, line.Problem.Code), Is.EqualTo((state, 409, "already_sent")));
    }

    [Test]
    public async Task Append_OtherContentWhenSomeRecipientWasAccepted_IsRefusedAsAlreadySent()
    {
        var ticket = await MarkedAsync(Mail("m1", to: ["a@example.com", "b@example.com"]));
        await SettleAsync(
            Put(ticket, Now + 60_000) with
            {
                Recipients =
                [
                    new(0, RecipientState.Sent, true, 250, null, "ok"),
                    new(1, RecipientState.Deferred, true, 450, null, "later"),
                ],
            }
        );

        var line = await PutAsync(Mail("m1", "two"));

        Assert.That((line.State, line.Problem!.Code), Is.EqualTo((MessageState.Deferred, "already_sent")));
    }

    [TestCase(MessageState.Failed, "one")]
    [TestCase(MessageState.Failed, "two")]
    [TestCase(MessageState.Cancelled, "two")]
    [TestCase(MessageState.Expired, "two")]
    [TestCase(MessageState.Suppressed, "two")]
    public async Task Append_IdThatEndedUnsent_IsQueuedAnew(MessageState state, string content)
    {
        await EndAsync("m1", state);
        var sequence = Look("m1").Sequence;

        var appended = await AppendAsync(Mail("m1", content));

        var look = Look("m1");
        Assert.That(Lines(appended)[0], Is.EqualTo(new ReceiptLine("m1", MessageState.Queued, Now)));
        Assert.That(appended.Tickets.Single().Revision, Is.EqualTo(2));
        Assert.That(
            (look.State, look.Attempts, look.Recipients.Single().State),
            Is.EqualTo((MessageState.Queued, 0, RecipientState.Pending))
        );
        Assert.That(look.Events[^1], Is.EqualTo(new EventLook(sequence + 1, EventType.MessageQueued, MessageState.Queued, 0, null)));
        Assert.That(await MarkAsync(appended.Tickets.Single()), Is.True);
    }

    [Test]
    public async Task Append_SameIdTwiceInOneSubmission_GoesLineByLine()
    {
        var appended = await AppendAsync(Mail("m1"), Mail("m1"), Mail("m1", "two"));

        Assert.That(Lines(appended).Select(l => (l.State, l.Problem)), Is.All.EqualTo((MessageState.Queued, (Problem?)null)));
        Assert.That(appended.Tickets.Single().Revision, Is.EqualTo(2));
        Assert.That(Look("m1").EventTypes, Is.EqualTo(new[] { EventType.MessageQueued, EventType.MessageReplaced }));
    }

    [Test]
    public async Task Append_IdMadeHere_IsComparedByItsBody()
    {
        await AppendAsync(Mail("m1") with { ContentHash = null });

        await AppendAsync(Mail("m1"));
        Assert.That(Look("m1").Revision, Is.EqualTo(1));

        await AppendAsync(Mail("m1", "two"));
        Assert.That(Look("m1").Revision, Is.EqualTo(2));
    }

    [Test]
    public async Task Append_StoredBeforeRawWasBroughtIntoForm_IsComparedAsItWasWritten()
    {
        await AppendAsync(Mail("m1"));

        await AppendAsync(Mail("m1", "two") with { HashAsWritten = Mail("m1").ContentHash });

        Assert.That(Look("m1").Revision, Is.EqualTo(1));
    }

    [Test]
    public async Task Append_IdMadeHereWithSpooledBody_IsComparedByTheFile()
    {
        var spool = await Bench.Spool.WriteAsync(Json("one"));
        await AppendAsync(Mail("m1") with { ContentHash = null, Body = new(default, spool, 300_000) });

        await AppendAsync(Mail("m1"));

        Assert.That(Look("m1").Revision, Is.EqualTo(1));
    }

    /// <summary>Brings a message to a final state.</summary>
    private async Task EndAsync(string id, MessageState state)
    {
        var ticket = await MarkedAsync(Mail(id));
        await SettleAsync(Failed(ticket) with { State = state });
    }
}
