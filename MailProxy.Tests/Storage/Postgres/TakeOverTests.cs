using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Postgres;

/// <summary>What is found of lanes that a node sent for which has ended.</summary>
internal sealed class TakeOverTests : MessageStoreContract<PostgresBench>
{
    private Task<Recovery> TakeOverAsync(LaneKey lane) => ((ILaneStore)Store).TakeOverAsync([lane], Now);

    [Test]
    public async Task TakeOver_FailedBehindTheMarks_TellsTheDoubtsAgainUntilTheyAreSettled()
    {
        var ticket = await MarkedAsync(Mail("m1"));
        Bench.Crash();

        var first = (await TakeOverAsync(ticket.Lane)).InDoubt.Single();
        var again = (await TakeOverAsync(ticket.Lane)).InDoubt.Single();
        Assert.That(again.Ticket, Is.EqualTo(first.Ticket));

        Assert.That(await SettleAsync(Put(again.Ticket, Now + 1000)), Is.True);
        Assert.That((await TakeOverAsync(ticket.Lane)).InDoubt, Is.Empty);
    }

    [Test]
    public async Task TakeOver_MarkIsInherited_ChangesOfTheSameTurnFindTheAttemptBegun()
    {
        var ticket = await MarkedAsync(Mail("m1"));
        Bench.Crash();

        using var gate = new ManualResetEventSlim();
        var before = Bench.Data.Writer.WriteAsync(_ => gate.Wait(TestDaemon.Deadline)); // both are written in the turn behind it
        var taken = TakeOverAsync(ticket.Lane);
        var changed = ChangeAsync("m1", new MessageChange.Cancel());
        gate.Set();
        Assert.That(await before, Is.True);
        Assert.That(await changed, Is.EqualTo(new ChangeResult.Conflict("sending", MessageState.Sending)));
        Assert.That((await taken).InDoubt, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task TakeOver_OfAnotherLane_LeavesTheDoubt()
    {
        var ticket = await MarkedAsync(Mail("m1"));
        Bench.Crash();

        Assert.That((await TakeOverAsync(new(ticket.Lane.Number + 1))).InDoubt, Is.Empty);
        Assert.That((await TakeOverAsync(ticket.Lane)).InDoubt, Has.Count.EqualTo(1));
    }
}
