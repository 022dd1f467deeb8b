using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Flow;
using NUnit.Framework;
using static MailProxy.Tests.Report.Mails;

namespace MailProxy.Tests.Report;

/// <summary>Settlements of one batch, and a store that does not write.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class ReportCommitTests : ReportStageFixture
{
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
    public void Settlements_StoreFails_TheStageIsLost()
    {
        _store.Commit = _ => Task.FromException<IReadOnlyList<bool>>(new InvalidOperationException("bug"));
        var running = RunAsync(Sent(1), Sent(2));

        Assert.ThrowsAsync<InvalidOperationException>(() => running.WaitAsync(Deadline));
    }

    [Test]
    public async Task Settlement_OfABegunAttempt_CarriesItsMark()
    {
        var mark = new Mark(Ticket(1), 3, CountingPermit.Held, Now);

        await RunAsync(Sent(1) with { Mark = mark }, Sent(2));

        Assert.That(
            _store.Commits.SelectMany(static commit => commit).Select(static write => write.Mark),
            Is.EqualTo(new[] { mark, null })
        );
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
        await begun.Task.WaitAsync(Deadline);
        for (var id = 2; id <= 50; id++)
            await _input.Writer.WriteAsync(Sent(id));
        _input.Writer.Complete();
        go.SetResult();

        await running.WaitAsync(Deadline);

        Assert.That(_store.Commits.Select(commit => commit.Count), Is.EqualTo(new[] { 1, 49 }));
    }

    /// <summary>Every wait is over at once.</summary>
    private sealed class HastyClock : TimeProvider
    {
        public override System.Threading.ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }
}
