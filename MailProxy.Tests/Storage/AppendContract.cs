using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

[TestOf(typeof(IMessageStore))]
[TestFixture(typeof(SqliteBench))]
[TestFixture(typeof(PostgresBench))]
internal sealed class AppendContract<TBench> : MessageStoreContract<TBench>
    where TBench : StoreBench, new()
{
    [Test]
    public async Task Append_NewMail_IsStoredWholeAndQueued()
    {
        var mail = Mail("m1", to: ["a@example.com", "b@example.com"]);

        var line = await PutAsync(mail);

        Assert.That(line, Is.EqualTo(new ReceiptLine("m1", MessageState.Queued, Now)));
        var look = Look("m1");
        Assert.That(look.State, Is.EqualTo(MessageState.Queued));
        Assert.That(look.Json, Is.EqualTo("""{"text":"one"}"""));
        Assert.That(
            look.Recipients.Select(r => (r.Address, r.State)),
            Is.EqualTo(new[] { ("a@example.com", RecipientState.Pending), ("b@example.com", RecipientState.Pending) })
        );
        Assert.That(look.Queue, Is.EqualTo(new QueueLook(0, 0, 1, 0, 0, 2, mail.ExpiresAt)));
        Assert.That(look.Events, Is.EqualTo(new[] { new EventLook(1, EventType.MessageQueued, MessageState.Queued, 0, null) }));
    }

    [Test]
    public async Task Append_NewMail_GivesAClaimedTicket()
    {
        var appended = await AppendAsync(Mail("m1", priority: Priority.High, to: ["a@example.com", "b@example.com"]));

        Assert.That(
            appended.Tickets,
            Is.EqualTo(
                new[] { new QueuedMail(Look("m1").Number, 1, Lanes.Of(Account), Priority.High, 0, 0, 2) { Flow = FlowKey.Of("b1") } }
            )
        );
        Assert.That((await ClaimAsync()).Tickets, Is.Empty);
    }

    [Test]
    public async Task Append_SendAtAhead_IsScheduledAndReportedAsLater()
    {
        var (early, late) = (Now + 60_000, Now + 120_000);

        var appended = await AppendAsync(Mail("m1", sendAt: late), Mail("m2", sendAt: early));

        Assert.That(Lines(appended)[0].State, Is.EqualTo(MessageState.Scheduled));
        Assert.That(appended.Tickets, Is.Empty);
        Assert.That(appended.Later, Is.EqualTo(new[] { (Lanes.Of(Account), early) }));
        Assert.That(Look("m1").Queue!.Due, Is.EqualTo(late));
        Assert.That(Look("m1").EventTypes, Is.EqualTo(new[] { EventType.MessageScheduled }));
    }

    [Test]
    public async Task Append_SendAtPassed_GoesByArrival()
    {
        var appended = await AppendAsync(Mail("m1", sendAt: Now));

        Assert.That(appended.Tickets.Single().Due, Is.Zero);
    }

    [Test]
    public async Task Append_SeveralMails_TellsTheEarliestExpiry()
    {
        var appended = await AppendAsync(Mail("m1", expiresAt: Now + 9000), Mail("m2", expiresAt: Now + 5000));

        Assert.That(appended.NextExpiry, Is.EqualTo(Now + 5000));
    }

    [Test]
    public async Task Append_LineWithProblem_IsAnsweredInItsPlaceAndNotStored()
    {
        var problem = new Problem(422, "validation_failed", "No recipient.");
        var batch = new AcceptedBatch(new Submission("default", [], null), [new(null, "bad", problem), new(Mail("good"), "good", null)]);

        var lines = Lines(await In30(Store.AppendNowAsync([batch])));

        Assert.That(lines.Select(l => (l.Id, l.Problem)), Is.EqualTo(new[] { ("bad", problem), ("good", null) }));
        Assert.That(Bench.Look("bad"), Is.Null);
    }

    [Test]
    public async Task Append_WithdrawnSubmission_IsNotStored()
    {
        var (withdrawn, kept) = (Batch(Mail("m1")), Batch(Mail("m2")));
        Assert.That(withdrawn.Submission.TryWithdraw(), Is.True);

        var appended = await In30(Store.AppendNowAsync([withdrawn, kept]));

        Assert.That(appended.Answers[0], Is.Null);
        Assert.That(appended.Answers[1], Is.InstanceOf<SubmissionAnswer.Stored>());
        Assert.That(Bench.Look("m1"), Is.Null);
    }

    [Test]
    public async Task Append_Submission_IsTakenFromItsEndpoint()
    {
        var batch = Batch(Mail("m1"));

        await In30(Store.AppendNowAsync([batch]));

        Assert.That(batch.Submission.TryWithdraw(), Is.False);
    }

    [Test]
    public async Task Append_Acknowledged_SurvivesACrash()
    {
        await AppendAsync(Mail("m1"));

        Bench.Crash();

        Assert.That(Look("m1").Queue, Is.Not.Null);
    }

    [Test]
    public async Task Append_SameIdInAnotherTenant_IsAnotherMessage()
    {
        await AppendAsync(Mail("m1"), Mail("m1", "other") with { Key = new("second", "m1") });

        Assert.That(Look("m1").Revision, Is.EqualTo(1));
        Assert.That(Bench.Look("m1", "second")!.Json, Does.Contain("other"));
    }

    [Test]
    public async Task Append_NullReversePathAndNoExtras_AreKeptAsTheyAre()
    {
        var ticket = await TicketAsync(Mail("m1") with { EnvelopeSender = "", Subject = null, Batch = null, Tags = null, Metadata = null });

        var content = await Store.LoadAsync(ticket, 50);

        Assert.That(content!.EnvelopeSender, Is.Empty);
    }
}
