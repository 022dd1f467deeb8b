using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

/// <summary>What accounts have sent to single domains, and the mail that waits for such a limit.</summary>
[TestOf(typeof(IDestinationUses))]
[TestFixture(typeof(SqliteBench))]
[TestFixture(typeof(PostgresBench))]
internal sealed class DestinationUsesContract<TBench> : MessageStoreContract<TBench>
    where TBench : StoreBench, new()
{
    private IDestinationUses Uses => Bench.Destinations;

    private Settlement PutOff(QueuedMail ticket, long at, int recipients = 1) =>
        new(ticket, MessageState.Queued, new QueueStep.Again(at, 0, recipients) { ForDestination = true }, 0, [], [], false, Now);

    [Test]
    public async Task Commit_WithAMark_CountsInEachWindowThatIsKept()
    {
        var tickets = (await AppendAsync(Mail("m1"), Mail("m2"))).Tickets;
        foreach (var ticket in tickets)
        {
            await Store.CommitAsync([
                PutOff(ticket, Now) with
                {
                    Mark = new(ticket, 1, PermitCounts.None, Now),
                    Destinations = [new("x.example", 2, [60, 3_600])],
                },
            ]);
        }

        var uses = await Uses.ReadAsync(Now);

        Assert.That(
            uses.OrderBy(static use => use.WindowSeconds).Select(static use => (use.Account, use.Domain, use.WindowSeconds, use.Count)),
            Is.EqualTo(new[] { (Account, "x.example", 60, 4), (Account, "x.example", 3_600, 4) })
        );
        Assert.That(await Uses.ReadAsync(Now + 62_000), Has.Count.EqualTo(1), "the minute is over");
        Assert.That(await Uses.ReadAsync(Now + 3_700_000), Is.Empty);
    }

    [Test]
    public async Task Commit_Stale_CountsNothing()
    {
        var ticket = (await AppendAsync(Mail("m1"))).Tickets[0];

        await Store.CommitAsync([
            PutOff(ticket with { Attempt = 7 }, Now) with
            {
                Mark = new(ticket, 1, PermitCounts.None, Now),
                Destinations = [new("x.example", 1, [60])],
            },
        ]);

        Assert.That(await Uses.ReadAsync(Now), Is.Empty);
    }

    [Test]
    public async Task Hasten_OnlyWhatWasPutOffInTheLane_IsDueAtOnce()
    {
        var tickets = (await AppendAsync([.. Enumerable.Range(0, 5).Select(i => Mail($"m{i}"))])).Tickets;
        await AppendAsync(Mail("later", sendAt: Now + 60_000), Mail("other", account: new(2)));
        await Store.CommitAsync([.. tickets.Take(4).Select(ticket => PutOff(ticket, Now + 60_000))]);
        await Store.CommitAsync([PutOff(tickets[4], Now + 60_000) with { Step = new QueueStep.Again(Now + 60_000, 0, 1) }]);
        foreach (var ticket in tickets)
            Store.Release(ticket);

        Assert.That(await Uses.HastenAsync(Lanes.Of(Account), 3), Is.EqualTo(3));
        Assert.That(await Uses.HastenAsync(Lanes.Of(Account), 3), Is.EqualTo(1));
        Assert.That(await Uses.HastenAsync(Lanes.Of(Account), 3), Is.Zero);

        var page = await Store.ClaimAsync(Lanes.Of(Account), new(100, Now, Priority.Low));
        Assert.That(page.Tickets.Select(static ticket => ticket.Id).Order(), Is.EqualTo(tickets.Take(4).Select(static t => t.Id).Order()));
    }

    [Test]
    public async Task Commit_AfterThat_WaitsForItNoMore()
    {
        var ticket = (await AppendAsync(Mail("m1"))).Tickets[0];
        await Store.CommitAsync([PutOff(ticket, Now + 60_000)]);

        await Store.CommitAsync([PutOff(ticket with { Attempt = 1 }, 0) with { Step = new QueueStep.Again(Now + 60_000, 1, 1) }]);

        Assert.That(await Uses.HastenAsync(Lanes.Of(Account), 3), Is.Zero, "it waits for its retry");
    }
}
