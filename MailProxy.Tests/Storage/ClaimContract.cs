using MailProxy.Pipeline;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

[TestFixture(typeof(SqliteBench))]
internal sealed class ClaimContract<TBench> : MessageStoreContract<TBench>
    where TBench : StoreBench, new()
{
    [Test]
    public async Task Claim_ReleasedMail_ComesInOrderOfPriorityThenArrival()
    {
        await WaitingAsync(Mail("low", priority: Priority.Low), Mail("m1"), Mail("m2"), Mail("now", priority: Priority.Immediate));

        var page = await ClaimAsync();

        Assert.That(Ids(page), Is.EqualTo(new[] { "now", "m1", "m2", "low" }));
        Assert.That((page.More, page.NextDue), Is.EqualTo((false, long.MaxValue)));
    }

    [Test]
    public async Task Claim_ClaimedMail_IsNobodyElsesUntilReleased()
    {
        await WaitingAsync(Mail("m1"), Mail("m2"));
        var first = await ClaimAsync(1);

        Assert.That(Ids(await ClaimAsync()), Is.EqualTo(new[] { "m2" }));

        Store.Release(first.Tickets[0]);
        Assert.That(Ids(await ClaimAsync()), Is.EqualTo(new[] { "m1" }));
    }

    [Test]
    public async Task Claim_FewerThanThereAre_SaysMore()
    {
        await WaitingAsync(Mail("m1"), Mail("m2"), Mail("m3"));

        Assert.That((await ClaimAsync(2)).More, Is.True);
        Assert.That((await ClaimAsync(1)).More, Is.False);
    }

    [Test]
    public async Task Claim_FreshAndDeferred_ShareEqually()
    {
        await DeferredAsync("d1", Now + 1000);
        await DeferredAsync("d2", Now + 2000);
        await DeferredAsync("d3", Now + 3000);
        await WaitingAsync(Mail("f1"), Mail("f2"), Mail("f3"));
        Bench.Clock.Advance(TimeSpan.FromSeconds(10));

        Assert.That(Ids(await ClaimAsync(4)), Is.EqualTo(new[] { "f1", "d1", "f2", "d2" }));
    }

    [Test]
    public async Task Claim_OnlyDeferred_TakesTheWholePage()
    {
        await DeferredAsync("late", Now + 2000);
        await DeferredAsync("early", Now + 1000);
        Bench.Clock.Advance(TimeSpan.FromSeconds(10));

        Assert.That(Ids(await ClaimAsync(2)), Is.EqualTo(new[] { "early", "late" }));
    }

    [Test]
    public async Task Claim_MailNotYetDue_StaysAndTellsWhen()
    {
        await AppendAsync(Mail("m1", sendAt: Now + 60_000), Mail("m2", sendAt: Now + 30_000, priority: Priority.Low));

        var page = await ClaimAsync();

        Assert.That(page.Tickets, Is.Empty);
        Assert.That((page.More, page.NextDue), Is.EqualTo((false, Now + 30_000)));
    }

    [Test]
    public async Task Claim_ScheduledMailWhoseTimeHasCome_IsClaimed()
    {
        await AppendAsync(Mail("m1", sendAt: Now + 60_000));
        Bench.Clock.Advance(TimeSpan.FromMinutes(1));

        Assert.That((await ClaimAsync()).Tickets.Single().Due, Is.EqualTo(Now));
    }

    [Test]
    public async Task Claim_OtherLane_IsNotSeen()
    {
        await WaitingAsync(Mail("m1", account: new AccountKey(2)));

        Assert.That((await ClaimAsync()).Tickets, Is.Empty);
        Assert.That((await ClaimAsync(lane: new LaneKey(2))).Tickets, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Claim_LowestPriority_LeavesTheRestAndSaysMore()
    {
        await WaitingAsync(Mail("m1", priority: Priority.Low), Mail("m2", priority: Priority.High));

        var page = await ClaimAsync(lowest: Priority.High);

        Assert.That(Ids(page), Is.EqualTo(new[] { "m2" }));
        Assert.That(page.More, Is.True);
    }

    [Test]
    public async Task Claim_HeldMarkedAndExpiredMail_IsNotClaimed()
    {
        await AppendAsync(Mail("held"));
        await ChangeAsync("held", new MessageChange.Hold());
        await MarkedAsync(Mail("marked"));
        await WaitingAsync(Mail("old", expiresAt: Now));
        Store.Release((await AppendAsync(Mail("ready"))).Tickets[0]);

        Assert.That(Ids(await ClaimAsync()), Is.EqualTo(new[] { "ready" }));
    }

    [Test]
    public async Task Release_OldTicketOfReplacedMail_KeepsTheNewClaim()
    {
        var old = await TicketAsync(Mail("m1"));
        await AppendAsync(Mail("m1", "two"));

        Store.Release(old);

        Assert.That((await ClaimAsync()).Tickets, Is.Empty);
    }

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
    public async Task Load_InTheMiddleOfARound_CountsTheOthers()
    {
        var ticket = await MarkedAsync(
            Mail("m1", to: ["sent@x.org", "bad@x.org", "later@x.org", "doubt@x.org", "next@x.org", "rest@x.org"])
        );
        await SettleAsync(
            new(
                ticket,
                true,
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

    private async Task WaitingAsync(params AcceptedMail[] mails)
    {
        foreach (var ticket in (await AppendAsync(mails)).Tickets)
            Store.Release(ticket);
    }

    private async Task DeferredAsync(string id, long due)
    {
        var ticket = await MarkedAsync(Mail(id));
        await SettleAsync(Put(ticket, due));
        Store.Release(ticket);
    }

    private IEnumerable<string> Ids(ClaimedPage page)
    {
        string[] known =
        [
            "low",
            "m1",
            "m2",
            "m3",
            "now",
            "d1",
            "d2",
            "d3",
            "f1",
            "f2",
            "f3",
            "late",
            "early",
            "held",
            "marked",
            "old",
            "ready",
        ];
        var names = known.Where(k => Bench.Look(k) is not null).ToDictionary(k => Look(k).Number);
        return page.Tickets.Select(t => names[t.Id]);
    }
}
