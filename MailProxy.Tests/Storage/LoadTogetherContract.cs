using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

/// <summary>What is loaded together: the same as by itself, or nothing.</summary>
[TestFixture(typeof(SqliteBench))]
[TestFixture(typeof(PostgresBench))]
internal sealed class LoadTogetherContract<TBench> : MessageStoreContract<TBench>
    where TBench : StoreBench, new()
{
    private static readonly string[] Changes = ["cancel", "hold", "replace", "reschedule", "expire", "erase"];

    [Test]
    public async Task Together_JustStoredOrClaimedFromTheDisk_IsWhatIsLoadedByItself([Values] bool fromDisk, [Values(1, 2, 50)] int slice)
    {
        AcceptedMail[] mails =
        [
            Mail("plain"),
            Mail("again", "first"),
            Mail("again", "second") with
            {
                Sources = 2,
            },
            Mail("three", policy: AmbiguousPolicy.Hold, to: ["a@example.com", "b@example.com", "c@example.com"]),
            Mail("late", sendAt: Now - 5),
            Mail("null-path") with
            {
                EnvelopeSender = "",
            },
            Mail("many", to: [.. Enumerable.Range(0, 20).Select(n => $"r{n}@example.com")]),
            Mail("urgent", priority: Priority.Immediate),
        ];
        var tickets = (await AppendAsync(mails)).Tickets;
        if (fromDisk)
        {
            foreach (var ticket in tickets)
                Store.Release(ticket);
            tickets = (await ClaimAsync()).Tickets;
        }

        var together = await TogetherAsync(slice, [.. tickets]);

        Assert.That(tickets, Has.Count.EqualTo(mails.Length - 1));
        Assert.That(together, Has.None.Null);
        for (var i = 0; i < tickets.Count; i++)
            AssertSame(together[i]!, (await Store.LoadAsync(tickets[i], slice))!);
    }

    [Test]
    public async Task Together_InTheMiddleOfARound_TellsOfTheOthers()
    {
        var ticket = await TicketAsync(Mail("m1", to: ["sent@x.org", "later@x.org", "next@x.org"]));
        var update = new RecipientUpdate(1, RecipientState.Deferred, true, 450, null, null);
        await SettleAsync(
            Put(ticket, 0) with
            {
                Step = new QueueStep.Again(0, 0, 1),
                Recipients = [update with { Ordinal = 0, State = RecipientState.Sent }, update],
            }
        );
        Store.Release(ticket);
        var next = (await ClaimAsync()).Tickets.Single();

        var content = (await TogetherAsync(5, next)).Single()!;

        Assert.That(content.Slice, Is.EqualTo(new[] { new SliceRecipient(2, "next@x.org") }));
        Assert.That(content.Earlier, Has.Count.EqualTo(2));
        AssertSame(content, (await Store.LoadAsync(next, 5))!);
    }

    [Test]
    public async Task Together_OfChangedMail_GivesNothing([ValueSource(nameof(Changes))] string how, [Values] bool fromDisk)
    {
        AcceptedMail mail = Mail("m1", expiresAt: Now + 60_000, to: ["a@example.com", "b@example.com"]);
        var ticket = await TicketAsync(mail);
        if (fromDisk)
        {
            Store.Release(ticket);
            ticket = (await ClaimAsync()).Tickets.Single();
        }

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
            case "erase":
                await In30(Bench.Erasure.EraseAsync(null, "a@example.com", 0, Now, "ann"));
                break;
            default:
                Bench.Clock.Advance(TimeSpan.FromMinutes(1));
                await In30(Store.ExpireAsync(Now, 10));
                break;
        }

        Assert.That((await TogetherAsync(50, ticket)).Single(), Is.Null);
    }

    [Test]
    public async Task Together_OfLargeMissingOrSpooledBody_LeavesItOut([Values] bool fromDisk)
    {
        var spooled = await Bench.Spool.WriteAsync(Json("large"));
        var tickets = (
            await AppendAsync(
                Mail("large") with
                {
                    Body = new(new byte[100_000], null, 100_000),
                },
                Mail("spooled") with
                {
                    Body = new(default, spooled, 300_000),
                },
                Mail("plain")
            )
        ).Tickets;
        if (fromDisk)
        {
            foreach (var ticket in tickets)
                Store.Release(ticket);
            tickets = (await ClaimAsync()).Tickets;
            await Bench.PurgeBodyAsync("plain");
        }

        var contents = await TogetherAsync(50, [.. tickets]);

        Assert.That(contents.Select(static content => content is not null), Is.EqualTo(new[] { false, false, !fromDisk }));
    }

    [Test]
    public async Task Together_GivesMailOnceFromMemory_AndReleasedMailNeverAgain()
    {
        var taken = await TicketAsync(Mail("taken"));
        var released = await TicketAsync(Mail("released"));
        Store.Release(released);
        await TogetherAsync(50, taken);
        await Bench.PurgeBodyAsync("taken");
        await Bench.PurgeBodyAsync("released");

        Assert.That(await TogetherAsync(50, taken, released), Is.All.Null);
    }

    private async Task<IReadOnlyList<MailContent?>> TogetherAsync(int slice, params QueuedMail[] tickets) =>
        await Store.LoadTogetherAsync([.. tickets.Select(ticket => new LoadRequest(ticket, slice))]);

    private static void AssertSame(MailContent one, MailContent other)
    {
        static MailContent Plain(MailContent content) => content.Bodiless() with { Slice = [], Earlier = [] };

        Assert.That(Plain(one) with { Slice = Plain(other).Slice, Earlier = Plain(other).Earlier }, Is.EqualTo(Plain(other)));
        Assert.That(one.Json.ToArray(), Is.EqualTo(other.Json.ToArray()));
        Assert.That(one.Slice, Is.EqualTo(other.Slice));
        Assert.That(one.Earlier, Is.EqualTo(other.Earlier));
    }
}
