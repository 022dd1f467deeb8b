using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

/// <summary>What is kept of a message's attempts: the last ones, as long as its content.</summary>
[TestOf(typeof(IMessageQueries))]
[TestFixture(typeof(SqliteBench))]
[TestFixture(typeof(PostgresBench))]
internal sealed class AttemptContract<TBench> : RetentionFixture<TBench>
    where TBench : StoreBench, new()
{
    private const string Ann = "ann.secret@example.com";

    private static readonly AttemptDetail Detail = new(
        AttemptOutcomes.Deferred,
        "mx.example:25",
        "192.0.2.1:25",
        "TLS 1.3",
        true,
        "It \"broke\".",
        [new(0, "C: MAIL FROM:<a@example.org>"), new(7, "S: 451 é\\ later")],
        3
    );

    [Test]
    public async Task Deferred_ThenSent_KeepsWhatWasSaidBefore()
    {
        var ticket = await MarkedAsync(Mail("m1"));
        await SettleAsync(Put(ticket, Now) with { Attempt = Attempt(1) });
        await AgainAsync(static (contract, again) => contract.Sent(again));

        var kept = (await AttemptsAsync("m1")).Single();

        Assert.That(kept with { Detail = null }, Is.EqualTo(new MailAttemptView(1, true, 1, Account, 1_000, 1_500, null)));
        Assert.That(kept.Detail! with { Lines = [] }, Is.EqualTo(Detail with { Lines = [] }));
        Assert.That(kept.Detail.Lines, Is.EqualTo(Detail.Lines));
    }

    [Test]
    public async Task ManyAttempts_TheLastStay()
    {
        await SettleAsync(Put(await MarkedAsync(Mail("m1")), Now) with { Attempt = Attempt(1) });
        for (var i = 2; i <= 9; i++)
        {
            var number = i;
            await AgainAsync((contract, again) => contract.Put(again, contract.Now) with { Attempt = Attempt(number) });
        }

        Assert.That((await AttemptsAsync("m1")).Select(static one => one.Number), Is.EqualTo(new[] { 7, 8, 9 }));
    }

    [Test]
    public async Task WithoutCost_ManyInARow_AreOneAndLeaveTheOthersAlone()
    {
        await SettleAsync(Put(await MarkedAsync(Mail("m1")), Now) with { Attempt = Attempt(1) });
        var ticket = (await ClaimAsync()).Tickets.Single();
        for (var i = 0; i < 50; i++)
            Assert.That(await SettleAsync(NotBegun(ticket)), Is.True);

        Assert.That(
            (await AttemptsAsync("m1")).Select(static one => (one.Number, one.Counts, one.Times)),
            Is.EqualTo(new[] { (1, true, 1), (2, false, 50) })
        );
        var look = Look("m1");
        Assert.That((look.State, look.Attempts, look.Events.Count), Is.EqualTo((MessageState.Deferred, 1, 2)), "nothing else changed");
        Assert.That(await MarkAsync(ticket), Is.True, "the ticket stayed good");
    }

    [Test]
    public async Task WithoutCost_TicketThatIsStale_IsNotKept()
    {
        var ticket = await TicketAsync(Mail("m1"));
        await ChangeAsync("m1", new MessageChange.Cancel());
        Assert.That(await SettleAsync(NotBegun(ticket)), Is.False);
        Assert.That(await AttemptsAsync("m1"), Is.Empty);
    }

    [Test]
    public async Task Replaced_NothingOfTheOldContentIsLeft()
    {
        await SettleAsync(Put(await MarkedAsync(Mail("m1", to: [Ann])), Now + 60_000) with { Attempt = Attempt(1) });
        await PutAsync(Mail("m1", "two"));
        Assert.That(await AttemptsAsync("m1"), Is.Empty);
    }

    [Test]
    public async Task Erased_NotAByteIsLeft()
    {
        var detail = Detail with { Lines = [new(1, $"C: RCPT TO:<{Ann}>")] };
        await SettleAsync(Failed(await MarkedAsync(Mail("m1", to: [Ann]))) with { Attempt = Attempt(1) with { Detail = detail } });
        Assert.That(await Bench.LeftAsync("ann.secret"), Is.True, "it was there");

        await In30(Bench.Erasure.EraseAsync(null, Ann, 0, Now, "test"));

        Assert.That(await AttemptsAsync("m1"), Is.Empty);
        Assert.That(await Bench.LeftAsync("ann.secret"), Is.False);
    }

    [Test]
    public async Task Content_Removed_TheDialogueStaysForItsTime()
    {
        Content = Retention.None;
        for (var i = 0; i < 450; i++)
            await SettleAsync(Failed(await MarkedAsync(Mail($"m{i}"))) with { Attempt = Attempt(1) with { EndedAt = Now } });
        await PurgeAsync();
        Assert.That((Look("m1").Json, Bench.Count("attempts")), Is.EqualTo(((string?)null, 450L)));

        Bench.Clock.Advance(TimeSpan.FromDays(7) - TimeSpan.FromMilliseconds(1));
        Assert.That((await PurgeAsync()).NextDue, Is.EqualTo(Now + 1));
        Assert.That(Bench.Count("attempts"), Is.EqualTo(450));
        Bench.Clock.Advance(TimeSpan.FromMilliseconds(1));
        await PurgeAsync();

        Assert.That(Bench.Count("attempts"), Is.Zero);
        Assert.That(Look("m1").State, Is.EqualTo(MessageState.Failed), "its record is there");
    }

    [Test]
    public async Task Record_Removed_NothingIsLeft()
    {
        Content = Retention.None;
        await SettleAsync(Failed(await MarkedAsync(Mail("m1"))) with { Attempt = Attempt(1) });
        await PurgeAsync(TimeSpan.Zero);
        Assert.That(await In30(Bench.Queries.AttemptsAsync(new("default", "m1"))), Is.Null);
        Assert.That(Bench.Count("attempts"), Is.Zero);
    }

    [Test]
    public async Task Row_Damaged_IsShownWithoutItsLines()
    {
        await SettleAsync(Failed(await MarkedAsync(Mail("m1"))) with { Attempt = Attempt(1) });
        await Bench.Damage.GarbleDialoguesAsync();
        Assert.That((await AttemptsAsync("m1")).Single().Detail, Is.Null);
    }

    [Test]
    public async Task Rule_ThatDecided_StandsWithTheRecipient()
    {
        var settlement = Failed(await MarkedAsync(Mail("m1")));
        await SettleAsync(settlement with { Recipients = [settlement.Recipients[0] with { Rule = "any/no-such-user" }] });
        var view = await In30(Bench.Queries.GetAsync(new("default", "m1")));
        Assert.That(view!.Recipients.Single().Rule, Is.EqualTo("any/no-such-user"));
    }

    private static MailAttempt Attempt(int number, bool counts = true) => new(number, counts, Account, 1_000, 1_500, Detail, 3);

    private Settlement NotBegun(QueuedMail ticket) =>
        new(ticket, default, new QueueStep.Stay(), 0, [], [], false, Now) { Attempt = Attempt(2, counts: false) };

    private async Task AgainAsync(Func<AttemptContract<TBench>, QueuedMail, Settlement> settle)
    {
        var ticket = (await ClaimAsync()).Tickets.Single();
        Assert.That(await MarkAsync(ticket), Is.True);
        Assert.That(await SettleAsync(settle(this, ticket)), Is.True);
        Store.Release(ticket);
    }

    private async Task<IReadOnlyList<MailAttemptView>> AttemptsAsync(string id) =>
        await In30(Bench.Queries.AttemptsAsync(new("default", id))) ?? throw new AssertionException($"'{id}' is not stored.");
}
