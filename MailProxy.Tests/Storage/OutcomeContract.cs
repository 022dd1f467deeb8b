using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

[TestOf(typeof(IMessageStore))]
[TestFixture(typeof(SqliteBench))]
[TestFixture(typeof(PostgresBench))]
internal sealed class OutcomeContract<TBench> : MessageStoreContract<TBench>
    where TBench : StoreBench, new()
{
    [Test]
    public async Task Mark_FreshTicket_StandsUntilTheOutcome()
    {
        var ticket = await TicketAsync(Mail("m1"));

        Assert.That(await MarkAsync(ticket), Is.True);
        Assert.That(await MarkAsync(ticket), Is.False);
        Assert.That(
            await ChangeAsync("m1", new MessageChange.Cancel()),
            Is.EqualTo(new ChangeResult.Conflict("sending", MessageState.Sending))
        );
        Assert.That(Look("m1").Queue!.Attempt, Is.Zero);
        Assert.That(Look("m1").Events, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Settle_Sent_IsFinal()
    {
        var ticket = await MarkedAsync(Mail("m1"));

        Assert.That(await SettleAsync(Sent(ticket)), Is.True);

        var look = Look("m1");
        Assert.That((look.State, look.Attempts, look.Queue), Is.EqualTo((MessageState.Sent, 1, (QueueLook?)null)));
        Assert.That(look.Recipients.Single(), Is.EqualTo(new RecipientLook("a@example.com", RecipientState.Sent, 0, 250, "2.0.0", "ok")));
        Assert.That(look.Events[^1], Is.EqualTo(new EventLook(2, EventType.MessageSent, MessageState.Sent, 1, null)));
    }

    [Test]
    public async Task Settle_Deferred_WaitsForTheNextRound()
    {
        var ticket = await MarkedAsync(Mail("m1"));

        await SettleAsync(Put(ticket, Now + 60_000));

        var look = Look("m1");
        Assert.That(look.State, Is.EqualTo(MessageState.Deferred));
        Assert.That(look.Queue, Is.EqualTo(new QueueLook(0, Now + 60_000, 1, 1, 1, 1, look.ExpiresAt)));
        Assert.That(look.Recipients.Single().Rounds, Is.EqualTo(1));
        Assert.That(await MarkAsync(ticket), Is.False, "the old ticket");
        Store.Release(ticket);
        Assert.That(await MarkAsync(ticket), Is.False, "nor when it is given back");
        Bench.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.That(await MarkAsync((await ClaimAsync()).Tickets.Single()), Is.True, "the new one");
    }

    [TestCase("accounts", 1)]
    [TestCase("pools", -9)]
    public async Task Settle_ToALaneThatIsGone_StaysWhereItWas(string gone, int lane)
    {
        var pool = await PutPoolAsync("both");
        if (gone == "accounts")
            await BuryAccountAsync();
        var ticket = await MarkedAsync(Mail("m1", account: default(AccountKey)) with { Pool = pool });
        var step = new QueueStep.Again(0, 0, 1) { Lane = new(lane) };

        Assert.That(await SettleAsync(new(ticket, MessageState.Queued, step, 0, [], [], false, Now)), Is.True);
        Store.Release(ticket);

        Assert.That((await ClaimAsync(lane: Lanes.Of(pool))).Tickets, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Settle_NotTriedRecipient_StillWantsThisRound()
    {
        var ticket = await MarkedAsync(Mail("m1", to: ["a@example.com", "b@example.com"]));

        await SettleAsync(
            new(
                ticket,
                MessageState.Queued,
                new QueueStep.Again(0, 0, 1),
                1,
                [new(0, RecipientState.Deferred, true, 450, null, null), new(1, RecipientState.Pending, false, 452, "4.5.3", null)],
                [],
                false,
                Now
            )
        );

        Assert.That(Look("m1").Recipients.Select(r => r.Rounds), Is.EqualTo(new[] { 1, 0 }));
        Assert.That((await Store.LoadAsync(ticket with { Attempt = 1 }, 50))!.Slice.Single().Ordinal, Is.EqualTo(1));
    }

    [Test]
    public async Task Mark_OfATenantWithLimits_CountsForItTooAndIsKnownAfterARestart()
    {
        var ticket = await TicketAsync(Mail("m1"));
        await MarkAsync(new Mark(ticket, 1, Permits(3, 1, tenant: 2), Now));
        Bench.Crash();
        var uses = (await Bench.RecoverAsync(Now)).LimitUses.Where(use => use.WindowSeconds == 3600);
        Assert.That(
            uses.Select(use => (use.Key, use.Count)),
            Is.EquivalentTo(new[] { (LimitKey.Of(Account), 3), (LimitKey.OfTenant(7), 2), (LimitKey.Installation, 1) })
        );
    }

    [Test]
    public async Task Settle_Hold_WaitsForAPerson()
    {
        await SettleAsync(Held(await MarkedAsync(Mail("m1"))));

        var look = Look("m1");
        Assert.That(
            (look.State, look.HoldReason, look.PossibleDuplicate, look.Queue!.State),
            Is.EqualTo((MessageState.Held, "ambiguous", true, 2))
        );
    }

    [Test]
    public async Task Settle_WithoutEvents_KeepsTheSequence()
    {
        var ticket = await MarkedAsync(Mail("m1"));

        await SettleAsync(new(ticket, MessageState.Queued, new QueueStep.Again(0, 0, 1), 0, [], [], false, Now));

        var look = Look("m1");
        Assert.That((look.State, look.Attempts, look.Sequence, look.Queue!.Attempt), Is.EqualTo((MessageState.Queued, 0, 1, 1)));
    }

    [Test]
    public async Task Settle_SeveralEvents_AreNumberedInOrder()
    {
        var ticket = await MarkedAsync(Mail("m1"));
        NewEvent[] events =
        [
            new(EventType.MessageAmbiguous, MessageState.Ambiguous, 1, "\"final\":false"u8.ToArray()),
            new(EventType.MessageFailed, MessageState.Failed, 1, null),
        ];

        await SettleAsync(Failed(ticket) with { Events = events });

        Assert.That(
            Look("m1").Events.Skip(1),
            Is.EqualTo(
                new[]
                {
                    new EventLook(2, EventType.MessageAmbiguous, MessageState.Ambiguous, 1, "\"final\":false"),
                    new EventLook(3, EventType.MessageFailed, MessageState.Failed, 1, null),
                }
            )
        );
    }

    [Test]
    public async Task Settle_Stale_ChangesNothing()
    {
        var ticket = await MarkedAsync(Mail("m1"));

        Assert.That(await SettleAsync(Sent(ticket with { Attempt = 3 })), Is.False);
        Assert.That(await SettleAsync(Put(ticket with { Revision = 2 }, Now)), Is.False);
        Assert.That((Look("m1").State, Look("m1").Events.Count), Is.EqualTo((MessageState.Queued, 1)));
    }

    [Test]
    public async Task Settle_NotBegunOfReadyMail_IsWritten()
    {
        var ticket = await TicketAsync(Mail("m1"));

        Assert.That(await SettleAsync(Failed(ticket)), Is.True);
        Assert.That(Look("m1").State, Is.EqualTo(MessageState.Failed));
    }

    [Test]
    public async Task Settle_NotBegunOfMailThatWasChangedMeanwhile_ChangesNothing()
    {
        var ticket = await TicketAsync(Mail("m1"));
        await ChangeAsync("m1", new MessageChange.Hold());

        Assert.That(await SettleAsync(Failed(ticket)), Is.False);
        Assert.That(await SettleAsync(Put(ticket, Now)), Is.False);
        Assert.That(Look("m1").State, Is.EqualTo(MessageState.Held));
    }

    [Test]
    public async Task Commit_Settlements_AreWrittenInOrder()
    {
        var (m1, m2) = (await TicketAsync(Mail("m1")), await TicketAsync(Mail("m2")));

        var changed = await In30(Store.CommitAsync([Put(m1, Now), Sent(m2), Sent(m1), Sent(m1 with { Attempt = 1 })]));

        Assert.That(changed, Is.EqualTo(new[] { true, true, false, true }));
    }

    [Test]
    public async Task Mark_Permits_AreCountedForEachWindowAndSurviveACrash([Values] bool settled)
    {
        var marks = new[]
        {
            new Mark(await TicketAsync(Mail("m1")), 1, Permits(3, 2), Now),
            new Mark(await TicketAsync(Mail("m2")), 1, Permits(1, 0), Now),
        };
        foreach (var mark in marks)
        {
            await MarkAsync(mark);
            if (settled)
                await SettleAsync(Sent(mark.Ticket) with { Mark = mark });
        }

        Bench.Crash();
        var uses = (await Bench.RecoverAsync(Now)).LimitUses;

        Assert.That(
            uses.GroupBy(use => use with { Count = 0 }, (window, each) => window with { Count = each.Sum(use => use.Count) }),
            Is.EquivalentTo(
                new[]
                {
                    new LimitUse(LimitKey.Of(Account), 60, Now - Now % 500, 4),
                    new LimitUse(LimitKey.Of(Account), 3600, Now - Now % 30_000, 4),
                    new LimitUse(LimitKey.Of(Account), 86400, Now - Now % 720_000, 4),
                    new LimitUse(default, 60, Now - Now % 500, 2),
                    new LimitUse(default, 3600, Now - Now % 30_000, 2),
                    new LimitUse(default, 86400, Now - Now % 720_000, 2),
                }
            )
        );
    }

    [Test]
    public async Task Mark_StaleOrFree_CountsNothing()
    {
        var ticket = await TicketAsync(Mail("m1"));

        Assert.That(await MarkAsync(ticket with { Attempt = 9 }, permits: 5), Is.False);
        Assert.That(await MarkAsync(ticket), Is.True);
        var mark = new Mark(ticket, 1, Permits(5, 5), Now);
        Assert.That(await SettleAsync(Sent(ticket with { Attempt = 9 }) with { Mark = mark }), Is.False);
        await SettleAsync(Sent(ticket) with { Mark = mark with { Permits = PermitCounts.None } });

        Assert.That(Bench.Count("limit_uses"), Is.Zero);
    }

    [Test]
    public async Task Recover_UsesThatLeftTheirWindow_AreNotToldAndGo()
    {
        var settled = new Mark(await TicketAsync(Mail("m0")), 1, Permits(1, 0), Now);
        await MarkAsync(settled);
        await SettleAsync(Sent(settled.Ticket) with { Mark = settled });
        await MarkAsync(await TicketAsync(Mail("m1")), permits: 1);
        Bench.Clock.Advance(TimeSpan.FromMinutes(2));

        var uses = (await Bench.RecoverAsync(Now)).LimitUses;
        await AppendAsync(Mail("m2"));

        Assert.That(uses.Select(u => u.WindowSeconds), Is.EquivalentTo(new[] { 3600, 86400, 3600, 86400 }));
        Assert.That(Bench.Count("limit_uses"), Is.EqualTo(2));
    }
}
