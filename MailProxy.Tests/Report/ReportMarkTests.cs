using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Storage;
using NUnit.Framework;
using static MailProxy.Tests.Report.Mails;

namespace MailProxy.Tests.Report;

/// <summary>Marks and settlements of one batch, and a store that does not write.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class ReportMarkTests : ReportStageFixture
{
    [Test]
    public async Task Begun_Marked_SpendsThePermitBeforeItSaysSo()
    {
        var permit = new CountingPermit();
        var begun = new Begun(Ticket(), 3, permit);
        permit.OnSpend = () => Assert.That(begun.Marked.Task.IsCompleted, Is.False);

        await RunAsync(begun);

        await Assert.MultipleAsync(async () =>
        {
            Assert.That(await begun.Marked.Task, Is.True);
            Assert.That(permit.Spent, Is.EqualTo(1));
            Assert.That(_store.Commits[0], Is.EqualTo(new[] { new Mark(Ticket(), 3, CountingPermit.Held, Now) }));
        });
    }

    [Test]
    public async Task Begun_StaleTicket_IsFalseAndSpendsNothing()
    {
        _store.Commit = writes => Task.FromResult<IReadOnlyList<bool>>([.. writes.Select(_ => false)]);
        var permit = new CountingPermit();
        var begun = new Begun(Ticket(), 1, permit);

        await RunAsync(begun);

        await Assert.MultipleAsync(async () =>
        {
            Assert.That(await begun.Marked.Task, Is.False);
            Assert.That(permit.Spent, Is.Zero);
        });
    }

    [Test]
    public async Task Batch_StoreUnavailable_MarksFaultAndSettlementsAreWrittenAllTheSame()
    {
        _store.Commit = writes =>
            writes.Any(write => write is Mark)
                ? Task.FromException<IReadOnlyList<bool>>(new StoreUnavailableException("full"))
                : ScriptedStore.AllWritten(writes);
        var begun = new Begun(Ticket(1), 1, new CountingPermit());

        await RunAsync(begun, Sent(2), Sent(3));

        Assert.Multiple(() =>
        {
            Assert.ThrowsAsync<StoreUnavailableException>(() => begun.Marked.Task);
            Assert.That(_store.Commits[1].Select(write => write.Ticket.Id), Is.EqualTo(new[] { 2, 3 }));
            Assert.That(_wake.Drain().Done.Select(ticket => ticket.Id), Is.EqualTo(new[] { 2, 3 }));
        });
    }

    [Test]
    public async Task Settlements_StoreGivesUp_AreTriedUntilWritten()
    {
        var tries = 0;
        _store.Commit = writes =>
            ++tries < 4 ? Task.FromException<IReadOnlyList<bool>>(new StoreUnavailableException("full")) : ScriptedStore.AllWritten(writes);
        _stage = Stage(new HastyClock());

        await RunAsync(Sent(1));

        Assert.Multiple(() =>
        {
            Assert.That(tries, Is.EqualTo(4));
            Assert.That(_wake.Drain().Done, Has.Count.EqualTo(1));
        });
    }

    [Test]
    public void Marks_StoreFails_FaultAndTheStageIsLost()
    {
        _store.Commit = _ => Task.FromException<IReadOnlyList<bool>>(new InvalidOperationException("bug"));
        var (first, second) = (new Begun(Ticket(1), 1, new CountingPermit()), new Begun(Ticket(2), 1, new CountingPermit()));
        var running = RunAsync(first, second);

        Assert.Multiple(() =>
        {
            Assert.ThrowsAsync<InvalidOperationException>(() => running.WaitAsync(Patience));
            Assert.ThrowsAsync<InvalidOperationException>(() => first.Marked.Task.WaitAsync(Patience));
            Assert.ThrowsAsync<InvalidOperationException>(() => second.Marked.Task.WaitAsync(Patience));
        });
    }

    [Test]
    public async Task Batch_WhileOneCommitIsUnderWay_TheNextGathers()
    {
        var (begun, go) = (new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), new TaskCompletionSource());
        _store.Commit = async writes =>
        {
            begun.TrySetResult();
            await go.Task;
            return await ScriptedStore.AllWritten(writes);
        };
        await _input.Writer.WriteAsync(Sent(1));
        var running = _stage.RunAsync();
        await begun.Task.WaitAsync(Patience);
        for (var id = 2; id <= 50; id++)
            await _input.Writer.WriteAsync(Sent(id));
        _input.Writer.Complete();
        go.SetResult();

        await running.WaitAsync(Patience);

        Assert.That(_store.Commits.Select(commit => commit.Count), Is.EqualTo(new[] { 1, 49 }));
    }

    /// <summary>Every wait is over at once.</summary>
    private sealed class HastyClock : TimeProvider
    {
        public override System.Threading.ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }
}
