using System.Text;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

/// <summary>What is left of a person's address, and of what belongs to others.</summary>
[TestOf(typeof(IErasure))]
[TestFixture(typeof(SqliteBench))]
[TestFixture(typeof(PostgresBench))]
internal sealed class ErasureContract<TBench> : MessageStoreContract<TBench>
    where TBench : StoreBench, new()
{
    private const string Ann = "ann.secret@example.com";

    [Test]
    public async Task Erase_SentToOne_NothingNamesThePersonButTheRecordStays()
    {
        var file = await Bench.Spool.WriteAsync(Json(Ann));
        var ticket = await MarkedAsync(Mail("m1", to: [Ann]) with { Body = new(default, file, 100) });
        await SettleAsync(Refused(ticket, Ann));
        await Bench.Operations.AddAsync(new(0, "default", "op_1", BulkAction.Cancel, $"to:{Ann}", "{}", Now, 1, 0, "ann", Now));
        await Bench.Operations.EndAsync((await Bench.Operations.RunningAsync()).Single(), null, "ann", Now);
        var done = await EraseAsync(Ann.ToUpperInvariant());

        var look = Look("m1");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(done.Counts, Is.EqualTo(new ErasedCounts(1, 0, 1, 1, 0)));
            Assert.That(
                (look.State, look.Sequence, look.EventTypes),
                Is.EqualTo((MessageState.Failed, 2, new[] { EventType.MessageQueued, EventType.MessageFailed }))
            );
            Assert.That(
                look.Recipients.Single(),
                Is.EqualTo(new RecipientLook("erased@erased.invalid", RecipientState.Failed, 0, 550, "5.1.1", null))
            );
            Assert.That(
                look.Events[^1].Detail,
                Does.Contain("\"smtp_code\":550").And.Contain("erased@erased.invalid").And.Not.Contain("ann.secret")
            );
            Assert.That(Bench.SpoolNames(), Is.Empty);
            Assert.That(await Bench.LeftAsync("ann.secret"), Is.False, "not a byte of it in the file");
        }
    }

    [Test]
    public async Task Erase_SentToSeveral_LeavesTheOthersResults()
    {
        var ticket = await MarkedAsync(Mail("m1", to: [Ann, "bob@example.com"]));
        await SettleAsync(Sent(ticket, 2));
        var done = await EraseAsync(Ann);

        var look = Look("m1");
        Assert.That((done.Counts.Messages, done.Counts.Bodies), Is.EqualTo((1, 1)));
        Assert.That(look.Recipients.Select(r => r.Address), Is.EqualTo(new[] { "erased@erased.invalid", "bob@example.com" }));
    }

    [TestCase("queued")]
    [TestCase("scheduled")]
    [TestCase("deferred")]
    [TestCase("held")]
    public async Task Erase_WaitsForThePersonAlone_IsCancelledWithAnEventAndErased(string state)
    {
        await PutInAsync(state, Ann);
        var done = await EraseAsync(Ann);

        var look = Look("m1");
        using (Assert.EnterMultipleScope())
        {
            Assert.That((done.Counts.Cancelled, done.Pending.Count, done.Counts.Bodies), Is.EqualTo((1, 0, 1)));
            Assert.That(look.Queue, Is.Null);
            Assert.That(look.State.IsFinal(), Is.True);
            Assert.That(look.Events, Has.Count.EqualTo(look.Sequence));
            Assert.That(await Bench.LeftAsync("ann.secret"), Is.False);
        }
    }

    [TestCase("queued", 0)]
    [TestCase("deferred", 0)]
    [TestCase("held", 2)]
    public async Task Erase_WaitsForOthersToo_ThePersonIsLeftOutAndTheMessageIsPending(string state, int queueState)
    {
        var ticket = await PutInAsync(state, Ann, "bob@example.com");
        var done = await EraseAsync(Ann);

        var look = Look("m1");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(done.Pending.Select(p => p.Key.Id), Is.EqualTo(new[] { "m1" }));
            Assert.That(done.Counts.Bodies, Is.Zero, "it is still needed");
            Assert.That(look.Queue!.State, Is.EqualTo(queueState));
            Assert.That(
                await MarkAsync(ticket with { Attempt = ticket.Attempt + (state == "queued" ? 0 : 1) }),
                Is.False,
                "whoever holds a ticket must load the mail anew"
            );
            Assert.That(look.Recipients[0].State.IsFinal(), Is.True);
            Assert.That(look.Recipients[1].State.IsFinal(), Is.False);
        }

        Assert.That((await EraseAsync(Ann)).Pending, Has.Count.EqualTo(1), "again, and it says the same");
    }

    [Test]
    public async Task Erase_LeftOut_TheNextAttemptIsForTheOthersAloneAndThenAllIsErased()
    {
        var stale = await TicketAsync(Mail("m1", to: [Ann, "bob@example.com"]));
        await EraseAsync(Ann);
        Store.Release(stale);
        var ticket = (await ClaimAsync()).Tickets.Single();
        Assert.That((await Store.LoadAsync(ticket, 50))!.Slice.Select(r => r.Address), Is.EqualTo(new[] { "bob@example.com" }));

        await MarkAsync(ticket);
        await SettleAsync(
            new(
                ticket,
                MessageState.PartiallySent,
                new QueueStep.Remove(),
                1,
                [new(1, RecipientState.Sent, true, 250, null, "ok")],
                [new(EventType.MessagePartiallySent, MessageState.PartiallySent, 1, null)],
                false,
                Now
            )
        );
        var done = await EraseAsync(Ann);
        Assert.That((done.Pending.Count, done.Counts.Bodies, await Bench.LeftAsync("ann.secret")), Is.EqualTo((0, 1, false)));
    }

    [Test]
    public async Task Erase_LeftOutAndTheOthersFail_ARetryDoesNotBringThePersonBack()
    {
        var stale = await TicketAsync(Mail("m1", to: [Ann, "bob@example.com"]));
        await EraseAsync(Ann);
        Store.Release(stale);
        var ticket = (await ClaimAsync()).Tickets.Single();
        await MarkAsync(ticket);
        await SettleAsync(
            new(
                ticket,
                MessageState.Failed,
                new QueueStep.Remove(),
                1,
                [new(1, RecipientState.Failed, true, 550, null, "no")],
                [new(EventType.MessageFailed, MessageState.Failed, 1, null)],
                false,
                Now
            )
        );
        Store.Release(ticket);

        await ChangeAsync("m1", new MessageChange.Retry(Now + 1_000));
        var again = (await ClaimAsync()).Tickets.Single();
        Assert.That((await Store.LoadAsync(again, 50))!.Slice.Select(r => r.Address), Is.EqualTo(new[] { "bob@example.com" }));
    }

    [Test]
    public async Task Erase_WhileItIsSent_IsPending()
    {
        await MarkedAsync(Mail("m1", to: [Ann]));
        var done = await EraseAsync(Ann);
        Assert.That(done.Pending.Single(), Is.EqualTo(new PendingErasure(new("default", "m1"), MessageState.Sending)));
        Assert.That(Look("m1").Queue!.Attempt, Is.Zero);
        Assert.That(Look("m1").Recipients.Single(), Is.EqualTo(new RecipientLook(Ann, RecipientState.Pending, 0, null, null, null)));
    }

    [Test]
    public async Task Erase_OneTenant_LeavesTheOthersAloneAndOneCallTakesThemAll()
    {
        await SettleAsync(Sent(await MarkedAsync(Mail("m1", to: [Ann]) with { Key = new("acme", "m1") })));
        await SettleAsync(Sent(await MarkedAsync(Mail("m1", to: [Ann]))));
        var mine = await EraseAsync(Ann);
        Assert.That((mine.Counts.Messages, Bench.Look("m1", "acme")!.Recipients.Single().Address), Is.EqualTo((1, Ann)));

        Assert.That((await EraseAsync(Ann, tenant: null)).Counts.Messages, Is.EqualTo(1));
    }

    [Test]
    public async Task Erase_Many_GoesInSlices()
    {
        for (var i = 0; i < 230; i++)
            await SettleAsync(Sent(await MarkedAsync(Mail($"m{i}", to: [Ann]))));
        var first = await Bench.Erasure.EraseAsync("default", Ann, 0, Now, "test");
        Assert.That((first.Counts.Messages, first.Through), Is.EqualTo((100, (long?)Look("m99").Number)));
        Assert.That((await EraseAsync(Ann)).Counts.Messages, Is.EqualTo(130), "whoever begins anew takes the rest");
    }

    [Test]
    public async Task Erase_Nobody_FindsNothing() =>
        Assert.That((await EraseAsync("nobody@example.com")).Counts, Is.EqualTo(default(ErasedCounts)));

    private async Task<ErasedSlice> EraseAsync(string address, string? tenant = "default")
    {
        var all = new ErasedSlice(0, default, [], []);
        for (long? after = 0; after is { } from; after = all.Through)
        {
            var slice = await In30(Bench.Erasure.EraseAsync(tenant, address, from, Now, "test"));
            all = new(slice.Through, all.Counts + slice.Counts, [.. all.Pending, .. slice.Pending], [.. all.Lanes, .. slice.Lanes]);
        }

        return all;
    }

    private async Task<QueuedMail> PutInAsync(string state, params string[] to)
    {
        var mail = Mail("m1", content: string.Join(',', to), to: to, sendAt: state == "scheduled" ? Now + 60_000 : null);
        if (state == "scheduled")
        {
            await PutAsync(mail);
            return default;
        }

        var ticket = await TicketAsync(mail);
        if (state == "queued")
            return ticket;
        await MarkAsync(ticket, to.Length);
        await SettleAsync(state == "deferred" ? Put(ticket, Now + 60_000, to.Length) : Held(ticket));
        return ticket;
    }

    private Settlement Refused(QueuedMail ticket, string address) =>
        new(
            ticket,
            MessageState.Failed,
            new QueueStep.Remove(),
            1,
            [new(0, RecipientState.Failed, true, 550, "5.1.1", $"{address} is unknown")],
            [
                new(
                    EventType.MessageFailed,
                    MessageState.Failed,
                    1,
                    Encoding.UTF8.GetBytes(
                        $$"""
                        "recipients":[{"email":"{{address}}","status":"failed","smtp_code":550,"enhanced_code":"5.1.1","reply":"<{{address}}> is unknown"}]
                        """.Trim()
                    )
                ),
            ],
            false,
            Now
        );
}
