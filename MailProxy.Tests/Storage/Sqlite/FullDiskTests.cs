using System.Text;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Sqlite;

/// <summary>A disk that is full (no new page fits) and then has capacity again.</summary>
internal sealed class FullDiskTests
{
    // Larger than any free page that is left.
    private static readonly string Large = new('x', 200_000);

    private SqliteBench _bench = null!;

    private IMessageStore Store => _bench.Store;

    [SetUp]
    public void MakeBench() => _bench = new(TimeSpan.FromMilliseconds(20));

    [TearDown]
    public void DropBench() => _bench.Dispose();

    [Test]
    public async Task Append_FullDisk_FaultsAndNothingIsStored()
    {
        await _bench.FillDiskAsync();

        Assert.That(async () => await In30(Store.AppendNowAsync([Batch("m1", Large)])), Throws.InstanceOf<StoreUnavailableException>());
        Assert.That(_bench.Look("m1"), Is.Null);
        Assert.That(_bench.Health.StoreTrouble, Is.EqualTo("the disk is full"));
    }

    [Test]
    public async Task Append_AfterCapacityReturns_Works()
    {
        await _bench.FillDiskAsync();
        Assert.That(async () => await In30(Store.AppendNowAsync([Batch("m1", Large)])), Throws.InstanceOf<StoreUnavailableException>());
        _bench.FreeDisk();

        var appended = await In30(Store.AppendNowAsync([Batch("m1", Large)]));

        Assert.That(appended.Answers[0], Is.InstanceOf<SubmissionAnswer.Stored>());
        Assert.That(_bench.Health.StoreTrouble, Is.Null);
    }

    [Test]
    public async Task Append_RolledBack_LeavesNoClaim()
    {
        await _bench.FillDiskAsync();
        Assert.That(
            async () => await In30(Store.AppendNowAsync([Batch("small", "s"), Batch("large", Large)])),
            Throws.InstanceOf<StoreUnavailableException>()
        );
        _bench.FreeDisk();

        // The same numbers are given again, and a claim that was left over would hide the mail.
        foreach (var ticket in (await In30(Store.AppendNowAsync([Batch("small", "s")]))).Tickets)
            Store.Release(ticket);

        Assert.That((await Store.ClaimAsync(new(1), new(10, _bench.Now))).Tickets, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Settlements_FullDisk_AreWrittenWhenCapacityReturns()
    {
        var ticket = (await In30(Store.AppendNowAsync([Batch("m1", "s")]))).Tickets.Single();
        await MarkAsync(ticket);
        await _bench.FillDiskAsync();
        var trouble = NextTrouble();

        var settled = Store.CommitAsync([Sent(ticket)]);
        await trouble.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.That(settled.IsCompleted, Is.False);
        Assert.That(_bench.Database.Readers.Read(_bench.Database.Claims.Begun).Single().Message, Is.EqualTo(ticket.Id));
        _bench.FreeDisk();

        Assert.That(await In30(settled), Is.EqualTo(new[] { true }));
        Assert.That(_bench.Look("m1")!.State, Is.EqualTo(MessageState.Sent));
        Assert.That(_bench.Look("m1")!.Events.Select(e => e.Sequence), Is.EqualTo(new[] { 1, 2 }));
        Assert.That(_bench.Health.StoreTrouble, Is.Null);
    }

    [Test]
    public async Task Marks_FullDisk_FaultAtOnceAndCountNothing()
    {
        var tickets = (await In30(Store.AppendNowAsync([Batch("m1", "s"), Batch("m2", "s")]))).Tickets;
        await MarkAsync(tickets[0]);
        await _bench.FillDiskAsync();
        var trouble = NextTrouble();
        var settled = Store.CommitAsync([Sent(tickets[0])]);
        await trouble.WaitAsync(TimeSpan.FromSeconds(30));

        Assert.That(
            async () => await In30(_bench.Marks.MarkAsync(Note(tickets[1]))),
            Throws.InstanceOf<StoreUnavailableException>().With.Message.Contains("the disk is full")
        );
        _bench.FreeDisk();
        Assert.That(await In30(settled), Is.EqualTo(new[] { true }), "nothing of the refused mark was kept");
        Assert.That(
            _bench.Database.Readers.Read(_bench.Database.Claims.Begun).Select(ticket => ticket.Message),
            Is.EqualTo(new[] { tickets[0].Id })
        );
        Assert.That(_bench.Count("limit_uses"), Is.Zero);
        Assert.That(await In30(_bench.Marks.MarkAsync(Note(tickets[1]))), Is.True, "once there is room again");
    }

    [Test]
    public async Task Health_CapacityReturnsWithNothingToWrite_Recovers()
    {
        await _bench.FillDiskAsync();
        Assert.That(async () => await In30(Store.AppendNowAsync([Batch("m1", Large)])), Throws.InstanceOf<StoreUnavailableException>());
        var recovered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _bench.Health.Changed += () =>
        {
            if (_bench.Health.StoreTrouble is null)
                recovered.TrySetResult();
        };

        _bench.FreeDisk();

        await recovered.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Test]
    public async Task Write_FullDisk_Faults()
    {
        await _bench.FillDiskAsync();

        Assert.That(
            async () => await In30(Store.ChangeAsync(new("default", "m1"), new MessageChange.Cancel(), "ann", 0)),
            Is.InstanceOf<ChangeResult.NotFound>(),
            "a write of nothing needs no capacity"
        );
        Assert.That(
            async () =>
                await In30(
                    _bench.Database.Writer.WriteAsync(c =>
                    {
                        MailProxy.Pipeline.Storage.Sqlite.Connections.Execute(c.Bare(), $"INSERT INTO settings VALUES ('a', '{Large}')");
                        return 0;
                    })
                ),
            Throws.InstanceOf<StoreUnavailableException>()
        );
        _bench.FreeDisk();
    }

    [Test]
    public async Task Dispose_StillFull_GivesUpAndLeavesTheMailInDoubt()
    {
        var ticket = (await In30(Store.AppendNowAsync([Batch("m1", "s")]))).Tickets.Single();
        await MarkAsync(ticket);
        await _bench.FillDiskAsync();
        var settled = Store.CommitAsync([Sent(ticket)]);

        _bench.Crash();

        Assert.That(async () => await In30(settled), Throws.InstanceOf<StoreUnavailableException>());
        Assert.That((await _bench.Store.RecoverAsync(_bench.Now)).InDoubt.Single().Ticket, Is.EqualTo(ticket));
    }

    /// <summary>Marks an attempt, which begins and goes out.</summary>
    private async Task MarkAsync(QueuedMail ticket)
    {
        Assert.That(await In30(_bench.Marks.MarkAsync(Note(ticket))) && _bench.Marks.TryBegin(ticket), Is.True);
        _bench.Marks.Out(ticket, _bench.Now);
    }

    private Mark Note(QueuedMail ticket) =>
        new(ticket, 1, new(new(LimitKey.Of(new(1)), 5), default, new(LimitKey.Installation, 5)), _bench.Now);

    private Task NextTrouble()
    {
        var trouble = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _bench.Health.Changed += () => trouble.TrySetResult();
        return trouble.Task;
    }

    private Settlement Sent(QueuedMail ticket) =>
        new(
            ticket,
            MessageState.Sent,
            new QueueStep.Remove(),
            1,
            [new(0, RecipientState.Sent, true, 250, "2.0.0", "ok")],
            [new(EventType.MessageSent, MessageState.Sent, 1, Encoding.UTF8.GetBytes($"\"reply\":\"{Large}\""))],
            false,
            _bench.Now
        );

    private AcceptedBatch Batch(string id, string text)
    {
        var json = Encoding.UTF8.GetBytes(text);
        var mail = new AcceptedMail
        {
            Key = new("default", id),
            Account = new(1),
            Priority = Priority.Medium,
            EnvelopeSender = "s@example.org",
            Recipients = ["a@example.com"],
            CreatedAt = _bench.Now,
            ExpiresAt = _bench.Now + 1_000_000,
            MessageIdHeader = "<1@x>",
            Body = new(json, null, json.Length),
        };
        return new(new Submission("default", [], null), [new(mail, id, null)]);
    }

    private static Task<T> In30<T>(Task<T> task) => task.WaitAsync(TimeSpan.FromSeconds(30));
}
