using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

/// <summary>What a ticket loads: the transaction that it stands for, or nothing when it is stale.</summary>
[TestFixture(typeof(SqliteBench))]
[TestFixture(typeof(PostgresBench))]
internal sealed class LoadContract<TBench> : MessageStoreContract<TBench>
    where TBench : StoreBench, new()
{
    [Test]
    public async Task Load_Ticket_GivesWhatTheTransactionNeeds()
    {
        var mail = Mail("m1", policy: AmbiguousPolicy.Hold, to: ["a@example.com", "b@example.com", "c@example.com"]);
        var ticket = await TicketAsync(mail);

        var content = await Store.LoadAsync(ticket, 2);

        Assert.That(content!.Key, Is.EqualTo(mail.Key));
        Assert.That(
            (content.EnvelopeSender, content.MessageIdHeader, content.CreatedAt, content.OnAmbiguous),
            Is.EqualTo((mail.EnvelopeSender, mail.MessageIdHeader, Now, AmbiguousPolicy.Hold))
        );
        Assert.That(content.Json.ToArray(), Is.EqualTo(Json("one")));
        Assert.That(content.Slice, Is.EqualTo(new[] { new SliceRecipient(0, "a@example.com"), new SliceRecipient(1, "b@example.com") }));
        Assert.That(content.Standing, Is.EqualTo(new MailStanding(0, 0, 1, 0, 0, 0, 0, false, mail.ExpiresAt)));
    }

    [Test]
    public async Task Load_NoRecipientIsThere_SaysSoAndIsNotReadAhead()
    {
        var ticket = await TicketAsync(Mail("m1"));
        await Bench.Damage.LoseRecipientsAsync(ticket.Id);
        Assert.That(() => Store.LoadAsync(ticket, 10), Throws.InstanceOf<BodyMissingException>().With.Message.Contains("recipient"));
    }

    [Test]
    public async Task Load_InTheMiddleOfARound_CountsTheOthers()
    {
        var ticket = await MarkedAsync(
            Mail("m1", to: ["sent@x.org", "bad@x.org", "later@x.org", "doubt@x.org", "next@x.org", "rest@x.org"])
        );
        await SettleAsync(
            new(
                ticket,
                MessageState.Queued,
                new QueueStep.Again(0, 0, 2),
                1,
                [
                    new(0, RecipientState.Sent, true, 250, null, null),
                    new(1, RecipientState.Failed, true, 550, null, null),
                    new(2, RecipientState.Deferred, true, 450, null, null),
                    new(3, RecipientState.Ambiguous, true, null, null, null),
                ],
                [],
                true,
                Now
            )
        );

        var content = await Store.LoadAsync(ticket with { Attempt = 1 }, 1);

        Assert.That(content!.Slice, Is.EqualTo(new[] { new SliceRecipient(4, "next@x.org") }));
        Assert.That(
            content.Standing,
            Is.EqualTo(
                new MailStanding(
                    Round: 0,
                    Attempts: 1,
                    Rest: 1,
                    Deferred: 1,
                    Sent: 1,
                    Failed: 1,
                    Ambiguous: 1,
                    PossibleDuplicate: true,
                    content.Standing.ExpiresAt
                )
            )
        );
    }

    [Test]
    public async Task Load_TellsHowManyAttachmentsAreFetched()
    {
        var none = await TicketAsync(Mail("none"));
        var two = await TicketAsync(Mail("two") with { Sources = 2 });
        await AppendAsync(Mail("none", "other") with { Sources = 3 });

        Assert.That((await Store.LoadAsync(two, 10))!.Sources, Is.EqualTo(2));
        Assert.That((await Store.LoadAsync(none with { Revision = 2 }, 10))!.Sources, Is.EqualTo(3), "as the replacement has it");
    }

    [Test]
    public async Task Load_AfterACancelHoldReplacementOrExpiry_GivesNull(
        [Values("cancel", "hold", "replace", "reschedule", "expire")] string how
    )
    {
        // A mail that is set aside keeps its claim, and everything else may happen to it meanwhile.
        var ticket = await TicketAsync(Mail("m1", expiresAt: Now + 60_000));
        switch (how)
        {
            case "cancel":
                await ChangeAsync("m1", new MessageChange.Cancel());
                break;
            case "hold":
                await ChangeAsync("m1", new MessageChange.Hold());
                await ChangeAsync("m1", new MessageChange.Release());
                break;
            case "replace":
                await AppendAsync(Mail("m1", "other"));
                break;
            case "reschedule":
                await ChangeAsync("m1", new MessageChange.Reschedule(Now + 30_000));
                break;
            default:
                Bench.Clock.Advance(TimeSpan.FromMinutes(1));
                Assert.That((await In30(Store.ExpireAsync(Now, 10))).Expired, Is.EqualTo(1));
                break;
        }

        Assert.That(await Store.LoadAsync(ticket, 10), Is.Null);
        Assert.That(await MarkAsync(ticket), Is.False);
    }

    [Test]
    public async Task Load_StaleTicket_GivesNull()
    {
        var ticket = await TicketAsync(Mail("m1"));
        await ChangeAsync("m1", new MessageChange.Cancel());

        Assert.That(await Store.LoadAsync(ticket, 50), Is.Null);
        Assert.That(await Store.LoadAsync(ticket with { Attempt = 7 }, 50), Is.Null);
    }

    [Test]
    public async Task Load_SpooledBody_IsReadFromItsFile()
    {
        var name = await Bench.Spool.WriteAsync(Json("large"));
        var ticket = await TicketAsync(Mail("m1") with { Body = new(default, name, 300_000) });

        var content = await Store.LoadAsync(ticket, 50);

        Assert.That(content!.Json.ToArray(), Is.EqualTo(Json("large")));
    }

    [Test]
    public async Task Load_SpoolFileMissing_ThrowsIOException()
    {
        var name = await Bench.Spool.WriteAsync(Json("large"));
        var ticket = await TicketAsync(Mail("m1") with { Body = new(default, name, 300_000) });
        Bench.Spool.Delete(name);

        Assert.That(async () => await Store.LoadAsync(ticket, 50), Throws.InstanceOf<IOException>());
    }
}
