using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

/// <summary>What cancel, hold and release do to a message.</summary>
[TestFixture(typeof(SqliteBench))]
[TestFixture(typeof(PostgresBench))]
internal sealed class HoldContract<TBench> : MessageStoreContract<TBench>
    where TBench : StoreBench, new()
{
    [Test]
    public async Task Cancel_QueuedMessage_ClosesItWithItsRecipients()
    {
        var ticket = await TicketAsync(Mail("m1"));

        var result = await ChangeAsync("m1", new MessageChange.Cancel());

        Assert.That(((ChangeResult.Done)result).State, Is.EqualTo(MessageState.Cancelled));
        var look = Look("m1");
        Assert.That(
            (look.State, look.Queue, look.Recipients.Single().State),
            Is.EqualTo((MessageState.Cancelled, (QueueLook?)null, RecipientState.Cancelled))
        );
        Assert.That(
            look.Events[^1],
            Is.EqualTo(
                new EventLook(
                    2,
                    EventType.MessageCancelled,
                    MessageState.Cancelled,
                    0,
                    "\"recipients\":"
                        + """[{"email":"a@example.com","status":"cancelled","smtp_code":null,"enhanced_code":null,"reply":null}]"""
                )
            )
        );
        Assert.That(await MarkAsync(ticket), Is.False);
    }

    [Test]
    public async Task Cancel_PartlyAcceptedMessage_ClosesAsPartiallySent()
    {
        await PartlySentAsync("m1");

        await ChangeAsync("m1", new MessageChange.Cancel());

        Assert.That(Look("m1").State, Is.EqualTo(MessageState.PartiallySent));
        Assert.That(Look("m1").Recipients.Select(r => r.State), Is.EqualTo(new[] { RecipientState.Sent, RecipientState.Cancelled }));
        Assert.That(Look("m1").EventTypes.Last(), Is.EqualTo(EventType.MessagePartiallySent));
    }

    [Test]
    public async Task Cancel_HeldAmbiguousMessage_ClosesAsAmbiguous()
    {
        await SettleAsync(Held(await MarkedAsync(Mail("m1"))));

        await ChangeAsync("m1", new MessageChange.Cancel());

        Assert.That(
            (Look("m1").State, Look("m1").HoldReason, Look("m1").Recipients.Single().State),
            Is.EqualTo((MessageState.Ambiguous, (string?)null, RecipientState.Ambiguous))
        );
        Assert.That(Look("m1").EventTypes.Last(), Is.EqualTo(EventType.MessageAmbiguous));
    }

    [Test]
    public async Task Hold_QueuedMessage_MakesItsTicketsStale()
    {
        var ticket = await TicketAsync(Mail("m1"));

        var result = await ChangeAsync("m1", new MessageChange.Hold());

        Assert.That(result, Is.EqualTo(new ChangeResult.Done(MessageState.Held, Lanes.Of(Account), long.MaxValue, Look("m1").ExpiresAt)));
        Assert.That((Look("m1").State, Look("m1").HoldReason), Is.EqualTo((MessageState.Held, "manual")));
        Assert.That(Look("m1").EventTypes.Last(), Is.EqualTo(EventType.MessageHeld));
        Assert.That(await MarkAsync(ticket), Is.False);
    }

    [Test]
    public async Task Release_HeldMessage_GoesAtOnceWithANewTicket()
    {
        var old = await TicketAsync(Mail("m1"));
        await ChangeAsync("m1", new MessageChange.Hold());

        var result = await ChangeAsync("m1", new MessageChange.Release());

        Assert.That(result, Is.EqualTo(new ChangeResult.Done(MessageState.Queued, Lanes.Of(Account), 0, Look("m1").ExpiresAt)));
        Assert.That(
            (Look("m1").State, Look("m1").HoldReason, Look("m1").EventTypes.Last()),
            Is.EqualTo((MessageState.Queued, (string?)null, EventType.MessageReleased))
        );
        Assert.That(await MarkAsync(old), Is.False);
        Assert.That(await MarkAsync((await ClaimAsync()).Tickets.Single()), Is.True);
    }

    [Test]
    public async Task Release_HeldMessageWithSendAtAhead_WaitsForIt()
    {
        await AppendAsync(Mail("m1", sendAt: Now + 60_000));
        await ChangeAsync("m1", new MessageChange.Hold());

        await ChangeAsync("m1", new MessageChange.Release());

        Assert.That((Look("m1").State, Look("m1").Queue!.Due), Is.EqualTo((MessageState.Scheduled, Now + 60_000)));
    }

    [Test]
    public async Task Release_AmbiguousMessage_OffersItsRecipientsAgain()
    {
        await SettleAsync(Held(await MarkedAsync(Mail("m1"))));

        await ChangeAsync("m1", new MessageChange.Release());
        var ticket = (await ClaimAsync()).Tickets.Single();

        Assert.That((await Store.LoadAsync(ticket, 50))!.Slice, Has.Count.EqualTo(1));
        Assert.That(Look("m1").PossibleDuplicate, Is.True);
    }

    [Test]
    public async Task Release_WhenAllHadTheirTurn_BeginsTheNextRound()
    {
        var settlement = Held(await MarkedAsync(Mail("m1")));
        await SettleAsync(
            settlement with
            {
                Recipients = [new(0, RecipientState.InDoubt, true, null, null, null)],
                Step = new QueueStep.Hold("ambiguous", 0, 0),
            }
        );

        await ChangeAsync("m1", new MessageChange.Release());

        Assert.That((Look("m1").Queue!.Round, Look("m1").Queue!.Recipients), Is.EqualTo((1, 1)));
        Assert.That((await Store.LoadAsync((await ClaimAsync()).Tickets.Single(), 50))!.Slice, Has.Count.EqualTo(1));
    }

    private async Task PartlySentAsync(string id)
    {
        var ticket = await MarkedAsync(Mail(id, to: ["a@example.com", "b@example.com"]));
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
    }
}
