using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

[TestOf(typeof(IMessageStore))]
[TestFixture(typeof(SqliteBench))]
[TestFixture(typeof(PostgresBench))]
internal sealed class RecoveryContract<TBench> : MessageStoreContract<TBench>
    where TBench : StoreBench, new()
{
    [Test]
    public async Task Recover_MarkedWithoutOutcome_IsInDoubtWithTheMarkedSlice()
    {
        var ticket = await TicketAsync(Mail("m1", priority: Priority.High, to: ["a@example.com", "b@example.com", "c@example.com"]));
        await MarkAsync(ticket, recipients: 2);

        Bench.Crash();
        var recovery = await Bench.RecoverAsync(Now);

        var (doubt, content, mark) = recovery.InDoubt.Single();
        Assert.That(doubt, Is.EqualTo(ticket with { Flow = default }));
        Assert.That(mark, Is.EqualTo(new Mark(doubt, 2, Permits(0, 0), Now)));
        Assert.That(content.Slice.Select(r => r.Address), Is.EqualTo(new[] { "a@example.com", "b@example.com" }));
        Assert.That(content.Standing.Rest, Is.EqualTo(1));
        Assert.That(content.Key.Id, Is.EqualTo("m1"));
    }

    [Test]
    public async Task Recover_InDoubt_CanBeSettled()
    {
        await MarkedAsync(Mail("m1"));
        Bench.Crash();
        var (doubt, _, _) = (await Bench.RecoverAsync(Now)).InDoubt.Single();

        Assert.That(await SettleAsync(Put(doubt, Now + 1000)), Is.True);
        Assert.That(Look("m1").State, Is.EqualTo(MessageState.Deferred));
    }

    [Test]
    public async Task Recover_AnsweredWithoutOutcome_HasWhatTheServerSaid()
    {
        var ticket = await TicketAsync(Mail("m1", to: ["a@example.com", "b@example.com"]));
        var mark = new Mark(ticket, 2, Permits(3, 1), Now);
        await MarkAsync(mark);
        Marks.Answered(
            ticket,
            [
                new(0, "a@example.com", Verdict.Accepted, 250, "2.0.0", "ok"),
                new(1, "b@example.com", Verdict.Refused, 550, "5.1.1", "no such user"),
            ]
        );

        Bench.Crash();
        var recovery = await Bench.RecoverAsync(Now);

        if (!Bench.KnowsPhases)
        {
            Assert.That((recovery.InDoubt.Single().Mark?.Permits, recovery.Answered.Count), Is.EqualTo((mark.Permits, 0)));
            return;
        }

        Assert.That(recovery.InDoubt, Is.Empty);
        var tried = recovery.Answered.Single();
        var known = ticket with { Flow = default };
        Assert.That((tried.Ticket, tried.Mark), Is.EqualTo((known, mark with { Ticket = known })));
        Assert.That(
            tried.Verdicts.Select(verdict => (verdict.Address, verdict.Verdict, verdict.SmtpCode)),
            Is.EqualTo(new[] { ("a@example.com", Verdict.Accepted, 250), ("b@example.com", Verdict.Refused, (int?)550) })
        );
        Assert.That(await SettleAsync(Sent(ticket, 2)), Is.True);
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task Recover_MarkedOrBegunButNotOut_IsQueuedAgainAsItWas(bool begun)
    {
        var ticket = await TicketAsync(Mail("m1"));
        await In30(Marks.MarkAsync(new(ticket, 1, Permits(3, 1), Now)));
        if (begun)
            Marks.TryBegin(ticket);

        Bench.Crash();
        var recovery = await Bench.RecoverAsync(Now);

        if (!Bench.KnowsPhases)
        {
            Assert.That((recovery.InDoubt.Count, recovery.LimitUses.Sum(static use => use.Count)), Is.EqualTo((1, 3 * 3 + 3)));
            return;
        }

        Assert.That((recovery.InDoubt.Count, recovery.LimitUses.Count), Is.EqualTo((0, 0)));
        Assert.That((await ClaimAsync()).Tickets, Is.EqualTo(new[] { ticket }));
        Assert.That(await MarkAsync(ticket), Is.True);
    }

    [Test]
    public async Task Recover_InDoubt_IsNobodysToClaimOrChangeUntilItIsSettled()
    {
        var ticket = await MarkedAsync(Mail("m1"));
        Bench.Crash();
        await Bench.RecoverAsync(Now);

        Assert.That((await ClaimAsync()).Tickets, Is.Empty);
        Assert.That(
            await ChangeAsync("m1", new MessageChange.Cancel()),
            Is.EqualTo(new ChangeResult.Conflict("sending", MessageState.Sending))
        );
        await SettleAsync(Put(ticket, Now));
        Store.Release(ticket);
        Assert.That((await ClaimAsync()).Tickets.Single().Attempt, Is.EqualTo(1));
    }

    [Test]
    public async Task Recover_OutcomeWrittenThoughTheTicketWasNotGivenBack_LeavesNothingForTheNextStart([Values] bool answered)
    {
        var ticket = await MarkedAsync(Mail("m1"));
        if (answered)
            Marks.Answered(ticket, [new(0, "a@example.com", Verdict.Accepted, 250, null, "ok")]);
        await SettleAsync(Put(ticket, Now));

        Bench.Crash();
        var recovery = await Bench.RecoverAsync(Now);

        Assert.That((recovery.InDoubt.Count, recovery.Answered.Count), Is.EqualTo((0, 0)));
        Assert.That(Bench.Unsettled, Is.Zero);
    }

    [Test]
    public async Task Recover_ClaimedButUnmarked_IsQueuedAgainAsItWas()
    {
        var ticket = await TicketAsync(Mail("m1"));

        Bench.Crash();
        var recovery = await Bench.RecoverAsync(Now);

        Assert.That(recovery.InDoubt, Is.Empty);
        Assert.That((await ClaimAsync()).Tickets, Is.EqualTo(new[] { ticket }));
    }

    [Test]
    public async Task Recover_OutcomeWritten_IsNotInDoubt()
    {
        await SettleAsync(Sent(await MarkedAsync(Mail("m1"))));

        Bench.Crash();

        Assert.That((await Bench.RecoverAsync(Now)).InDoubt, Is.Empty);
        Assert.That(Look("m1").State, Is.EqualTo(MessageState.Sent));
    }

    [Test]
    public async Task Recover_WaitingMail_TellsEachLaneAndItsEarliest()
    {
        await AppendAsync(
            Mail("m1", account: new(2), sendAt: Now + 5000),
            Mail("m2", account: new(2), sendAt: Now + 3000, priority: Priority.Low),
            Mail("m3", account: new(7)),
            Mail("m4", account: new(7), sendAt: Now + 1000)
        );

        Bench.Crash();
        var recovery = await Bench.RecoverAsync(Now);

        Assert.That(recovery.Lanes, Is.EqualTo(new[] { (new LaneKey(2), Now + 3000), (new LaneKey(7), 0L) }));
    }

    [Test]
    public async Task Recover_EmptyStore_HasNothingToDo()
    {
        var recovery = await Bench.RecoverAsync(Now);

        Assert.That(
            (recovery.InDoubt.Count, recovery.Lanes.Count, recovery.LimitUses.Count, recovery.NextExpiry),
            Is.EqualTo((0, 0, 0, long.MaxValue))
        );
    }

    [Test]
    public async Task Recover_NextExpiry_IsTheEarliest()
    {
        await AppendAsync(Mail("m1", expiresAt: Now + 9000), Mail("m2", expiresAt: Now + 4000));

        Assert.That((await Bench.RecoverAsync(Now)).NextExpiry, Is.EqualTo(Now + 4000));
    }

    [Test]
    public async Task Recover_SpoolFiles_KeepsTheNamedAndSweepsTheOrphans()
    {
        var kept = await Bench.Spool.WriteAsync(Json("kept"));
        await AppendAsync(Mail("m1") with { Body = new(default, kept, 300_000) });
        await Bench.Spool.WriteAsync(Json("orphan"));

        Bench.Crash();
        await Bench.RecoverAsync(Now);

        Assert.That(Bench.SpoolNames(), Is.EqualTo(new[] { kept }));
    }

    [Test]
    public async Task Append_SpoolFilesThatNothingNames_DoNotOutliveTheNextStart()
    {
        var (first, same, second) = (
            await Bench.Spool.WriteAsync(Json("one")),
            await Bench.Spool.WriteAsync(Json("one")),
            await Bench.Spool.WriteAsync(Json("two"))
        );
        await AppendAsync(Mail("m1") with { Body = new(default, first, 1) });
        await AppendAsync(Mail("m1") with { Body = new(default, same, 1) });
        await AppendAsync(Mail("m1", "two") with { Body = new(default, second, 1) });

        await Bench.RecoverAsync(Now);

        Assert.That(Bench.SpoolNames(), Is.EqualTo(new[] { second }));
    }
}
