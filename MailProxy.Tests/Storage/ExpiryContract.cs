using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

[TestFixture(typeof(SqliteBench))]
[TestFixture(typeof(PostgresBench))]
internal sealed class ExpiryContract<TBench> : MessageStoreContract<TBench>
    where TBench : StoreBench, new()
{
    [Test]
    public async Task Expire_MessageWhoseTimeIsOver_IsClosed()
    {
        await AppendAsync(Mail("m1", expiresAt: Now + 1000), Mail("m2", expiresAt: Now + 5000));
        Bench.Clock.Advance(TimeSpan.FromSeconds(1));

        var sweep = await In30(Store.ExpireAsync(Now, 10));

        Assert.That(sweep, Is.EqualTo(new ExpirySweep(1, Look("m2").ExpiresAt)));
        Assert.That(
            (Look("m1").State, Look("m1").Queue, Look("m1").Recipients.Single().State),
            Is.EqualTo((MessageState.Expired, (QueueLook?)null, RecipientState.Expired))
        );
        Assert.That(Look("m1").Events[^1].Type, Is.EqualTo(EventType.MessageExpired));
        Assert.That(Look("m1").Events[^1].Detail, Does.StartWith("\"recipients\":[{\"email\":\"a@example.com\",\"status\":\"expired\""));
        Assert.That(Look("m2").State, Is.EqualTo(MessageState.Queued));
    }

    [Test]
    public async Task Expire_PartlyAcceptedMessage_IsPartiallySent()
    {
        var ticket = await MarkedAsync(Mail("m1", expiresAt: Now + 1000, to: ["a@example.com", "b@example.com"]));
        await SettleAsync(
            Put(ticket, Now + 500) with
            {
                Recipients =
                [
                    new(0, RecipientState.Sent, true, 250, null, "ok"),
                    new(1, RecipientState.Deferred, true, 450, "4.2.0", "later"),
                ],
            }
        );
        Bench.Clock.Advance(TimeSpan.FromSeconds(1));

        await In30(Store.ExpireAsync(Now, 10));

        Assert.That(
            (Look("m1").State, Look("m1").EventTypes.Last()),
            Is.EqualTo((MessageState.PartiallySent, EventType.MessagePartiallySent))
        );
        Assert.That(Look("m1").Recipients.Select(r => r.State), Is.EqualTo(new[] { RecipientState.Sent, RecipientState.Expired }));
        Assert.That(Look("m1").Recipients[1].Reply, Is.EqualTo("later"), "why it was late is kept");
    }

    [Test]
    public async Task Expire_HeldAndMarkedMessages_AreLeft()
    {
        await AppendAsync(Mail("held", expiresAt: Now + 1000));
        await ChangeAsync("held", new MessageChange.Hold());
        Bench.Clock.Advance(TimeSpan.FromSeconds(2));
        Assert.That(await In30(Store.ExpireAsync(Now, 10)), Is.EqualTo(new ExpirySweep(0, long.MaxValue)));

        var ticket = await MarkedAsync(Mail("marked", expiresAt: Now));
        Assert.That(await In30(Store.ExpireAsync(Now, 10)), Is.EqualTo(new ExpirySweep(0, Now + 1000)), "to be looked at again");
        Assert.That(Look("marked").Queue!.Attempt, Is.Zero);

        await SettleAsync(Put(ticket, Now));
        Assert.That((await In30(Store.ExpireAsync(Now, 10))).Expired, Is.EqualTo(1));
    }

    [Test]
    public async Task Expire_MoreThanAreOnTheirWay_AreNotHeldUpByThem()
    {
        await MarkedAsync(Mail("m1", expiresAt: Now));
        await MarkedAsync(Mail("m2", expiresAt: Now));
        await AppendAsync(Mail("m3", expiresAt: Now));

        Assert.That((await In30(Store.ExpireAsync(Now, 1))).Expired, Is.EqualTo(1));
        Assert.That(Look("m3").State, Is.EqualTo(MessageState.Expired));
    }

    [Test]
    public async Task Expire_MoreThanTheLimit_AsksToComeAgain()
    {
        await AppendAsync(Mail("m1", expiresAt: Now), Mail("m2", expiresAt: Now), Mail("m3", expiresAt: Now));

        var sweep = await In30(Store.ExpireAsync(Now, 2));

        Assert.That(sweep, Is.EqualTo(new ExpirySweep(2, Now)));
    }

    [Test]
    public async Task Release_OfAMessagePastItsExpiry_LetsItExpire()
    {
        await AppendAsync(Mail("m1", expiresAt: Now + 1000));
        await ChangeAsync("m1", new MessageChange.Hold());
        Bench.Clock.Advance(TimeSpan.FromSeconds(2));

        var released = (ChangeResult.Done)await ChangeAsync("m1", new MessageChange.Release());
        await In30(Store.ExpireAsync(Now, 10));

        Assert.That(released.ExpiresAt, Is.LessThan(Now));
        Assert.That(Look("m1").State, Is.EqualTo(MessageState.Expired));
    }
}
