using System.Text;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

/// <summary>What every event log does.</summary>
[TestOf(typeof(IDeliveryLog))]
[TestFixture(typeof(SqliteBench))]
[TestFixture(typeof(PostgresBench))]
internal sealed class DeliveryLogContract<TBench> : EndpointFixture<TBench>
    where TBench : StoreBench, new()
{
    [Test]
    public async Task Read_OwnEvents_InCommitOrderWithWhatTheMessageSays()
    {
        var account = await PutAccountAsync("relay");
        var numbers = await Bench.SeedAsync([
            new()
            {
                Id = "m1",
                Account = account.Number,
                Batch = "b",
                Tags = """["t"]""",
                Metadata = """{"a":1}""",
            },
            new() { Id = "m2", Account = account.Number },
        ]);
        await Bench.AppendEventAsync(numbers[1], new(EventType.MessageQueued, MessageState.Queued, 0, null), 10);
        await Bench.AppendEventAsync(numbers[0], new(EventType.MessageSent, MessageState.Sent, 1, "\"x\":1"u8.ToArray()), 11);
        await Log.AppendAsync("default", EventType.AccountThrottled, account, "\"until\":5"u8.ToArray(), 12);

        var (events, through) = await Log.ReadAsync("default", 0, 10);
        Assert.Multiple(() =>
        {
            Assert.That(events.Select(e => e.Position), Is.Ordered.And.Unique);
            Assert.That(through, Is.EqualTo(events[^1].Position).And.EqualTo(Log.Last));
            Assert.That(
                events.Select(e =>
                    (
                        e.Tenant,
                        e.MessageId,
                        e.Type,
                        e.Sequence,
                        e.At,
                        e.Account,
                        e.Attempt,
                        e.Batch,
                        e.Tags,
                        e.Metadata,
                        Encoding.UTF8.GetString(e.Detail.Span)
                    )
                ),
                Is.EqualTo([
                    ("default", "m2", EventType.MessageQueued, 1, 10L, "relay", 0, (string?)null, (string?)null, (string?)null, ""),
                    ("default", "m1", EventType.MessageSent, 1, 11L, "relay", 1, "b", """["t"]""", """{"a":1}""", "\"x\":1"),
                    ("default", null, EventType.AccountThrottled, 0, 12L, "relay", 0, null, null, null, "\"until\":5"),
                ])
            );
        });
    }

    [Test]
    public async Task Read_Limit_GoesOnFromWhereItStopped()
    {
        for (var i = 0; i < 5; i++)
            await Log.AppendAsync("default", EventType.WebhookDisabled, null, null, i);
        var first = await Log.ReadAsync("default", 0, 2);
        var second = await Log.ReadAsync("default", first.Through, 2);
        var third = await Log.ReadAsync("default", second.Through, 2);
        var fourth = await Log.ReadAsync("default", third.Through, 2);
        Assert.Multiple(() =>
        {
            Assert.That(first.Events.Concat(second.Events).Concat(third.Events).Select(e => e.At), Is.EqualTo([0, 1, 2, 3, 4]));
            Assert.That(fourth.Events, Is.Empty);
            Assert.That(fourth.Through, Is.EqualTo(third.Through));
        });
    }

    [Test]
    public async Task Read_OneEventBehindManyOfAnotherTenant_IsFoundAtOnce()
    {
        await AppendManyAsync("other", 3_000);
        await Log.AppendAsync("default", EventType.WebhookDisabled, null, null, 7);
        await Log.AppendAsync("other", EventType.WebhookDisabled, null, null, 8);
        var (events, through) = await Log.ReadAsync("default", 0, 10);
        Assert.That((events.Single().At, through), Is.EqualTo((7L, Log.Last)));
    }

    [Test]
    public async Task WaitBeyond_OfATenant_IsWokenByItsOwnEventsOnly()
    {
        var wait = Log.WaitBeyondAsync("default", Log.Last, CancellationToken.None);
        await Log.AppendAsync("other", EventType.WebhookDisabled, null, null, 1);
        var other = Log.WaitBeyondAsync("other", Log.Last - 1, CancellationToken.None);
        Assert.That((wait.IsCompleted, other.IsCompletedSuccessfully), Is.EqualTo((false, true)));
        await Log.AppendAsync("default", EventType.WebhookDisabled, null, null, 2);
        await wait.WaitAsync(Generous);
    }

    [Test]
    public async Task WaitBeyond_EventCommitted_Completes()
    {
        var wait = Log.WaitBeyondAsync(Log.Last, CancellationToken.None);
        Assert.That(wait.IsCompleted, Is.False);
        await Log.AppendAsync("default", EventType.WebhookDisabled, null, null, 1);
        await wait.WaitAsync(Generous);
        await Log.WaitBeyondAsync(Log.Last - 1, CancellationToken.None).WaitAsync(Generous);
    }

    [Test]
    public async Task WaitBeyond_Cancelled_Ends()
    {
        using var stop = new CancellationTokenSource();
        var wait = Log.WaitBeyondAsync(Log.Last, stop.Token);
        await stop.CancelAsync();
        Assert.That(async () => await wait.WaitAsync(Generous), Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public async Task At_Positions_InOrderAndOnlyTheTenants()
    {
        for (var i = 0; i < 3; i++)
            await Log.AppendAsync("default", EventType.WebhookDisabled, null, null, i);
        await Log.AppendAsync("other", EventType.WebhookDisabled, null, null, 9);
        var last = Log.Last;
        var found = await Log.AtAsync("default", [last - 1, last, last - 3, 99_999]);
        Assert.That(found.Select(e => e.Position), Is.EqualTo(new[] { last - 3, last - 1 }));
    }

    [Test]
    public async Task Audit_EveryChange_TellsWhoAndWhatWithoutSecrets()
    {
        await Store.PutEndpointAsync(Hook, "ann");
        await Store.PutEndpointAsync(Hook with { Secret = "whsec_second", Auth = new SourceAuth.Bearer("t0ken") }, "bob");
        foreach (var paused in (bool[])[true, false])
            await Store.SetWebhookPausedAsync("default", "hook", paused, "eve");
        await Store.PutEndpointAsync(
            Hook with
            {
                Secret = "whsec_third",
                PreviousSecret = "whsec_second",
                PreviousUntil = 9,
            },
            "bob",
            "rotate_secret"
        );
        await Log.ReplayAsync("default", "hook", 1, 2, "ann");
        await Store.DeleteEndpointAsync("default", "hook", "ann");
        var audit = Audit();
        Assert.Multiple(() =>
        {
            Assert.That(
                audit.Select(a => (a.Actor, a.Action)),
                Is.EqualTo([
                    ("ann", "webhook.create"),
                    ("bob", "webhook.replace"),
                    ("eve", "webhook.pause"),
                    ("eve", "webhook.resume"),
                    ("bob", "webhook.rotate_secret"),
                    ("ann", "webhook.replay"),
                    ("ann", "webhook.delete"),
                ])
            );
            Assert.That(audit[1].Text, Does.Contain("\"secret_changed\":true").And.Contain("\"auth_changed\":true"));
            Assert.That(audit[4].Text, Does.Contain("\"secret_changed\":true"));
            Assert.That(
                string.Concat(audit.Select(a => a.Text)),
                Does.Contain("https://example.com/in").And.Not.Contain("whsec").And.Not.Contain("t0ken")
            );
        });
    }
}
