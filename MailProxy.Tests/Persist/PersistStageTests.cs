using System.Threading.Channels;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Persist;
using MailProxy.Pipeline.Telemetry;
using MailProxy.Tests.Ingest;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;

namespace MailProxy.Tests.Persist;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class PersistStageTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private readonly Channel<AcceptedBatch> _input = Channel.CreateBounded<AcceptedBatch>(64);
    private readonly Channel<QueuedMail> _next = Channel.CreateBounded<QueuedMail>(2);
    private readonly Wake _wake = new();
    private readonly List<long> _expiryHints = [];
    private readonly ScriptedStore _store = new();
    private readonly PipelineMetrics _metrics = new(Prometheus.Metrics.NewCustomRegistry());

    private Task Run(PersistOptions? options = null) =>
        new PersistStage(
            _input,
            _store,
            _next,
            _wake,
            _expiryHints.Add,
            options ?? new(),
            _metrics,
            key => $"account{key.Number}",
            TimeProvider.System,
            NullLogger.Instance
        ).RunAsync();

    private async Task Finish(Task running)
    {
        _input.Writer.Complete();
        await running.WaitAsync(Deadline);
    }

    private AcceptedBatch Offer(params string[] members)
    {
        AcceptedLine[] lines = [.. members.Select(m => Rules.JudgeWith(m))];
        var batch = new AcceptedBatch(new("default", [], null), lines);
        _input.Writer.TryWrite(batch);
        return batch;
    }

    [Test]
    public async Task Run_StoredSubmission_IsAnsweredAndItsTicketsPassOn()
    {
        var batch = Offer("\"id\":\"a\"", "\"id\":\"b\",\"pool\":\"p\"");

        await Finish(Run());

        var answer = (SubmissionAnswer.Stored)await batch.Submission.Answer.WaitAsync(Deadline);
        Assert.That(answer.Lines.Select(l => (l.Id, l.Problem?.Code)), Is.EqualTo(new[] { ("a", (string?)null), ("b", "unknown_pool") }));
        Assert.That((_next.Reader.TryRead(out var ticket), ticket.Id, _next.Reader.TryRead(out _)), Is.EqualTo((true, 1L, false)));
        Assert.That(_expiryHints, Is.EqualTo(new[] { Rules.Now + 5 * 86_400_000L }));
        Assert.That(
            (_metrics.Accepted.WithLabels("default", "account1").Value, _metrics.Refused.WithLabels("unknown_pool").Value),
            Is.EqualTo((1d, 1d))
        );
    }

    [Test]
    public async Task Run_CommitStillRunning_IsNotAnsweredYet()
    {
        var gate = new TaskCompletionSource();
        _store.Gate = gate.Task;
        var batch = Offer("");
        var running = Run();
        await _store.Entered.Task.WaitAsync(Deadline);

        Assert.That(batch.Submission.Answer.IsCompleted, Is.False);
        gate.SetResult();
        await Finish(running);

        Assert.That(await batch.Submission.Answer.WaitAsync(Deadline), Is.InstanceOf<SubmissionAnswer.Stored>());
    }

    [Test]
    public async Task Run_WithdrawnSubmission_IsNotAnsweredButItsNeighbourIs()
    {
        var withdrawn = Offer("");
        var neighbour = Offer("");
        withdrawn.Submission.TryWithdraw();

        await Finish(Run());

        Assert.That(await neighbour.Submission.Answer.WaitAsync(Deadline), Is.InstanceOf<SubmissionAnswer.Stored>());
        Assert.That((withdrawn.Submission.Answer.IsCompleted, _next.Reader.Count), Is.EqualTo((false, 1)));
        Assert.That(_metrics.Accepted.WithLabels("default", "account1").Value, Is.EqualTo(1));
    }

    [Test]
    public async Task Run_LineRefusedByTheStore_IsCountedAsRefused()
    {
        var batch = Offer("");
        _store.Answers[batch.Submission] = new SubmissionAnswer.Stored([
            new("a", MessageState.Sent, 0, new Problem(409, "already_sent", "Sent.")),
        ]);

        await Finish(Run());

        Assert.That(
            (_metrics.Refused.WithLabels("already_sent").Value, _metrics.Accepted.WithLabels("default", "account1").Value),
            Is.EqualTo((1d, 0d))
        );
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task Run_IdempotencyKeyUsedBefore_AnswersThat(bool replayed)
    {
        var batch = Offer("");
        SubmissionAnswer answer = replayed ? new SubmissionAnswer.Replayed(new(202, [])) : new SubmissionAnswer.KeyReused();
        _store.Answers[batch.Submission] = answer;

        await Finish(Run());

        Assert.That(await batch.Submission.Answer.WaitAsync(Deadline), Is.SameAs(answer));
        Assert.That(_metrics.Accepted.WithLabels("default", "account1").Value, Is.Zero);
    }

    [Test]
    public async Task Run_StoreUnavailable_AnswersEachAndGoesOn()
    {
        _store.Faults.Enqueue(new StoreUnavailableException("disk full"));
        var gate = new TaskCompletionSource();
        _store.Gate = gate.Task;
        var one = Offer("");
        var two = Offer("");
        var running = Run();
        await _store.Entered.Task.WaitAsync(Deadline);
        var three = Offer("");
        gate.SetResult();
        await Finish(running);

        Assert.That(await one.Submission.Answer.WaitAsync(Deadline), Is.InstanceOf<SubmissionAnswer.Unavailable>());
        Assert.That(await two.Submission.Answer.WaitAsync(Deadline), Is.InstanceOf<SubmissionAnswer.Unavailable>());
        Assert.That(await three.Submission.Answer.WaitAsync(Deadline), Is.InstanceOf<SubmissionAnswer.Stored>());
    }

    [Test]
    public void Run_UnknownFault_EndsTheStage()
    {
        _store.Faults.Enqueue(new InvalidOperationException("bug"));
        Offer("");

        var running = Run();
        _input.Writer.Complete();

        Assert.That(async () => await running.WaitAsync(Deadline), Throws.InvalidOperationException);
    }

    [Test]
    public async Task Run_ScheduleIsFull_ReleasesTheRestAndWakesTheLane()
    {
        Offer("", "", "", "");

        await Finish(Run());

        Assert.That(_next.Reader.Count, Is.EqualTo(2));
        Assert.That(_store.Released.Select(t => t.Id), Is.EqualTo(new[] { 3, 4 }));
        Assert.That(_wake.Drain().DueByLane, Is.EqualTo(new Dictionary<LaneKey, long> { [new(1)] = 0 }));
    }

    [Test]
    public async Task Run_ScheduledMail_WakesItsLaneAtItsTime()
    {
        Offer("\"send_at\":\"2030-02-01T00:00:00Z\"", "\"send_at\":\"2030-01-15T00:00:00Z\"");

        await Finish(Run());

        Assert.That(_wake.Drain().DueByLane, Is.EqualTo(new Dictionary<LaneKey, long> { [new(1)] = 1_894_665_600_000 }));
        Assert.That(_next.Reader.Count, Is.Zero);
    }

    [Test]
    public async Task Run_NothingAccepted_GivesNoExpiryHint()
    {
        Offer("\"pool\":\"p\"");

        await Finish(Run());

        Assert.That(_expiryHints, Is.Empty);
    }

    [Test]
    public async Task Run_ManyWaiting_TakesThemInNaturalBatchesWithoutSplittingOne()
    {
        for (var i = 0; i < 10; i++)
            Offer("", "", "");

        await Finish(Run(new PersistOptions { MaxMails = 7 }));

        Assert.That(_store.Appends.Select(a => a.Count), Is.EqualTo(new[] { 3, 3, 3, 1 }));
    }

    [Test]
    public async Task Run_LargeBodies_AreBoundedByBytes()
    {
        for (var i = 0; i < 4; i++)
            Offer($"\"text\":\"{new string('x', 40_000)}\"");

        await Finish(Run(new PersistOptions { MaxBytes = 65_536 }));

        Assert.That(_store.Appends.Select(a => a.Count), Is.EqualTo(new[] { 2, 2 }));
    }
}
