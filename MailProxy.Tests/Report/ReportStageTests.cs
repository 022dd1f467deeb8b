using System.Threading.Channels;
using MailProxy.Pipeline;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Report;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using NUnit.Framework;
using Prometheus;
using static MailProxy.Tests.Report.Mails;

namespace MailProxy.Tests.Report;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class ReportStageTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Channel<Outcome> _input = Channel.CreateBounded<Outcome>(1024);
    private readonly ScriptedStore _store = new();
    private readonly MemoryDeliveryLog _log = new();
    private readonly CurrentAccounts _accounts = new();
    private readonly Wake _wake = new();
    private readonly FakeTimeProvider _clock = new(DateTimeOffset.FromUnixTimeMilliseconds(Now));
    private readonly PipelineMetrics _metrics = new(Metrics.NewCustomRegistry());
    private ReportStage _stage = null!;

    [SetUp]
    public void SetUp()
    {
        Swap(version: 1);
        _stage = Stage(_clock);
    }

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

    [Test]
    public async Task Attempted_Deferred_WakesTheLaneAtItsTime()
    {
        await RunAsync(new Outcome.Attempted(Ticket(), Content(), Verdicts("D")));

        var woken = _wake.Drain();
        Assert.Multiple(() =>
        {
            Assert.That(woken.Done, Has.Count.EqualTo(1));
            Assert.That(woken.DueByLane[Lanes.Of(Account)], Is.EqualTo(Now + 60_000));
            Assert.That(_metrics.Deferred.WithLabels("default", "main").Value, Is.EqualTo(1));
        });
    }

    [Test]
    public async Task Attempted_Sent_CountsAndMeasuresButWakesNoLane()
    {
        await RunAsync(new Begun(Ticket(), 1, new CountingPermit()), Sent(1));

        Assert.Multiple(() =>
        {
            Assert.That(_wake.Drain().DueByLane, Is.Empty);
            Assert.That(_metrics.Sent.WithLabels("default", "main").Value, Is.EqualTo(1));
            Assert.That(_metrics.TimeToSent.Sum, Is.EqualTo(5));
            Assert.That(_metrics.TimeToFirstAttempt.Sum, Is.EqualTo(5));
        });
    }

    [Test]
    public async Task Attempted_StaleTicket_EndsTheClaimAndCountsNothing()
    {
        _store.Commit = writes => Task.FromResult<IReadOnlyList<bool>>([.. writes.Select(_ => false)]);

        await RunAsync(Sent(1));

        Assert.Multiple(() =>
        {
            Assert.That(_wake.Drain().Done, Has.Count.EqualTo(1));
            Assert.That(_metrics.TimeToSent.Count, Is.Zero);
        });
    }

    [Test]
    public async Task Dropped_WritesNothingAndEndsTheClaim()
    {
        await RunAsync(new Outcome.Dropped(Ticket()));

        Assert.Multiple(() =>
        {
            Assert.That(_store.Commits, Is.Empty);
            Assert.That(_wake.Drain().Done, Has.Count.EqualTo(1));
        });
    }

    [Test]
    public async Task NotYet_LeavesTheClaim()
    {
        await RunAsync(new Outcome.NotYet(Ticket()));

        Assert.That(_wake.Drain().Done, Is.Empty);
    }

    [Test]
    public async Task PostponedWithoutContent_WritesNothingAndTheLaneWaits()
    {
        await RunAsync(new Outcome.Postponed(Ticket(), null, "disk"));

        Assert.Multiple(() =>
        {
            Assert.That(_store.Commits, Is.Empty);
            Assert.That(_wake.Drain().DueByLane[Lanes.Of(Account)], Is.EqualTo(Now + 30_000));
        });
    }

    [Test]
    public async Task AccountToBlame_BeforeTheMark_ParksAndWritesNothing()
    {
        await RunAsync(new Outcome.AccountToBlame(Ticket(), Trouble(), null));

        var woken = _wake.Drain();
        Assert.Multiple(() =>
        {
            Assert.That(_store.Commits, Is.Empty);
            Assert.That(woken.Parked[Account].Until, Is.EqualTo(Now + 5000));
            Assert.That(woken.DueByLane[Lanes.Of(Account)], Is.Zero);
            Assert.That(woken.Done, Has.Count.EqualTo(1));
            Assert.That(_log.Events.Single().Type, Is.EqualTo(EventType.AccountCircuitOpened));
        });
    }

    [Test]
    public async Task AccountToBlame_AfterTheMark_TakesTheMarkBack()
    {
        await RunAsync(new Outcome.AccountToBlame(Ticket(), Trouble(), Content()));

        var settlement = (Settlement)_store.Commits.Single().Single();
        Assert.Multiple(() =>
        {
            Assert.That(settlement.Marked, Is.True);
            Assert.That(settlement.Events, Is.Empty);
            Assert.That(_wake.Drain().Parked, Contains.Key(Account));
        });
    }

    [Test]
    public async Task Released_TakesTheMarkBackAndBlamesNobody()
    {
        await RunAsync(new Outcome.Released(Ticket(), Content()));

        var settlement = (Settlement)_store.Commits.Single().Single();
        Assert.Multiple(() =>
        {
            Assert.That((settlement.Marked, settlement.Events.Count), Is.EqualTo((true, 0)));
            Assert.That(_wake.Drain().Parked, Is.Empty);
            Assert.That(_log.Events, Is.Empty);
        });
    }

    [Test]
    public async Task Attempted_WithTroubleOfTheAccount_KeepsTheVerdictsAndParks()
    {
        var content = Content();
        var verdicts = content
            .Slice.Select(to => new RecipientVerdict(to.Ordinal, to.Address, Verdict.Refused, 550, "5.1.1", "who"))
            .ToArray();

        await RunAsync(new Outcome.Attempted(Ticket(), content, verdicts) { Trouble = Trouble() });

        var settlement = (Settlement)_store.Commits.Single().Single();
        Assert.Multiple(() =>
        {
            Assert.That(settlement.State, Is.EqualTo(MessageState.Failed));
            Assert.That(_wake.Drain().Parked, Contains.Key(Account));
            Assert.That(_log.Events.Single().Type, Is.EqualTo(EventType.AccountCircuitOpened));
        });
    }

    [Test]
    public async Task AccountToBlame_ThenAMailAfterTheWait_ClosesTheCircuit()
    {
        var running = _stage.RunAsync();
        await _input.Writer.WriteAsync(new Outcome.AccountToBlame(Ticket(), Trouble(), null));
        await _log.UntilAsync(log => log.Last == 1);
        _clock.Advance(TimeSpan.FromSeconds(5));
        await _input.Writer.WriteAsync(Sent(2));
        _input.Writer.Complete();

        await running.WaitAsync(Patience);

        Assert.Multiple(() =>
        {
            Assert.That(
                _log.Events.Select(e => e.Type),
                Is.EqualTo(new[] { EventType.AccountCircuitOpened, EventType.AccountCircuitClosed })
            );
            Assert.That(_wake.Drain().Unparked, Contains.Item(Account));
        });
    }

    [Test]
    public async Task AccountToBlame_ThenThePersonChangesIt_IsUsedAgainAtOnce()
    {
        var running = _stage.RunAsync();
        await _input.Writer.WriteAsync(new Outcome.AccountToBlame(Ticket(), Trouble(), null));
        await _log.UntilAsync(log => log.Last == 1);

        Swap(version: 2);

        Assert.That(_wake.Drain().Unparked, Contains.Item(Account));
        _input.Writer.Complete();
        await running.WaitAsync(Patience);
        Assert.That(_log.Events[^1].Type, Is.EqualTo(EventType.AccountCircuitClosed));
    }

    [Test]
    public async Task AccountToBlame_EventRefused_OutcomesGoOn()
    {
        _log.AppendFault = new StoreUnavailableException("full");

        await RunAsync(new Outcome.AccountToBlame(Ticket(1), Trouble(), null), Sent(2));

        Assert.That(_metrics.Sent.WithLabels("default", "main").Value, Is.EqualTo(1));
    }

    [Test]
    public async Task SettleInDoubt_AfterACrash_SettlesEachByItsPolicy()
    {
        var recovery = new Recovery(
            [
                (Ticket(1), Content()),
                (Ticket(2), Content(policy: AmbiguousPolicy.Hold)),
                (Ticket(3), Content(policy: AmbiguousPolicy.AssumeSent)),
            ],
            [],
            [],
            long.MaxValue
        );

        await _stage.SettleInDoubtAsync(recovery);

        Assert.Multiple(() =>
        {
            Assert.That(
                _store.Commits.Single().Cast<Settlement>().Select(settlement => settlement.State),
                Is.EqualTo(new[] { MessageState.Deferred, MessageState.Held, MessageState.Ambiguous })
            );
            Assert.That(_wake.Drain().DueByLane[Lanes.Of(Account)], Is.EqualTo(Now + 60_000));
        });
    }

    private async Task RunAsync(params Outcome[] items)
    {
        foreach (var item in items)
            await _input.Writer.WriteAsync(item);
        _input.Writer.Complete();
        await _stage.RunAsync().WaitAsync(Patience);
    }

    private ReportStage Stage(TimeProvider clock) =>
        new(_input.Reader, _store, _log, _accounts, _wake, new(), _metrics, clock, () => 0.5, NullLogger.Instance);

    private void Swap(int version) =>
        _accounts.Swap(
            new(
                [
                    new()
                    {
                        Key = Account,
                        Tenant = "default",
                        Id = "main",
                        Version = version,
                    },
                ],
                null
            )
        );

    private static Outcome.Attempted Sent(long id) => new(Ticket(id), Content(), Verdicts("A"));

    private static AccountTrouble Trouble() => new(Account, TroubleKind.Connect, null, null, "refused");

    /// <summary>Every wait is over at once.</summary>
    private sealed class HastyClock : TimeProvider
    {
        public override System.Threading.ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }

    private sealed class CountingPermit : SendPermit
    {
        public static readonly PermitCounts Held = new(new(LimitKey.Of(Account), 3), default, new(LimitKey.Installation, 2));
        public int Spent { get; private set; }
        public Action? OnSpend { get; set; }
        public override PermitCounts Counts => Held;
        public override bool IsAcquired => true;
        public override IEnumerable<string> MetadataNames => [];

        public override void Spend()
        {
            Spent++;
            OnSpend?.Invoke();
        }

        public override bool TryGetMetadata(string metadataName, out object? metadata)
        {
            metadata = null;
            return false;
        }
    }
}
