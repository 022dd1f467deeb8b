using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Retain;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Telemetry;
using MailProxy.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using Prometheus;

namespace MailProxy.Tests.Retain;

/// <summary>When the stage looks, how long it works, and what wakes it.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class RetainStageTests : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private readonly TimerClock _clock = new();
    private readonly ScriptedRetention _store = new();
    private readonly CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;

    public void Dispose() => _stop.Dispose();

    [TearDown]
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _running.WaitAsync(Deadline);
    }

    [Test]
    public async Task Run_WhileThereIsMore_GoesOnAtOnceAndCounts()
    {
        _store.Slices.Enqueue(new(3, 0, 0, true, long.MaxValue));
        _store.Slices.Enqueue(new(2, 1, 5, false, long.MaxValue));
        var metrics = Start();
        await _store.LooksAsync(2);
        await _store.ReclaimsAsync(1);

        Assert.That(
            new[] { "content", "message", "event" }.Select(what => metrics.Purged.WithLabels(what).Value),
            Is.EqualTo(new[] { 5, 1, 5 })
        );
    }

    [Test]
    public async Task Run_Commit_LooksAgainAfterAShortWhile()
    {
        Start();
        await _clock.AdvanceOnceWaitedForAsync(TimeSpan.Zero); // the rest
        _store.Commit();
        await _clock.AdvanceOnceWaitedForAsync(TimeSpan.FromMilliseconds(199));
        Assert.That(_store.Looks, Is.EqualTo(1), "what comes meanwhile shares a turn");

        _clock.Advance(TimeSpan.FromMilliseconds(1));
        await _store.LooksAsync(2);
    }

    [Test]
    public async Task Run_SomethingBecomesOldEnough_LooksThen()
    {
        _store.Slices.Enqueue(new(0, 0, 0, false, _clock.GetUtcNow().AddMinutes(90).ToUnixTimeMilliseconds()));
        Start();
        for (var minute = 1; minute < 90; minute++)
            await _clock.AdvanceOnceWaitedForAsync(TimeSpan.FromMinutes(1));
        Assert.That(_store.Looks, Is.EqualTo(1), "the store is not polled");

        await _clock.AdvanceOnceWaitedForAsync(TimeSpan.FromMinutes(1));
        await _store.LooksAsync(2);
    }

    [Test]
    public async Task Run_StoreUnavailable_TriesAgain()
    {
        _store.Fault = new("full");
        Start();
        await _store.LooksAsync(1);
        _store.Fault = null;
        await _clock.AdvanceOnceWaitedForAsync(TimeSpan.FromSeconds(5));
        await _store.LooksAsync(2);
    }

    private PipelineMetrics Start()
    {
        var metrics = new PipelineMetrics(Metrics.NewCustomRegistry());
        var rules = new RetentionRules(static _ => Retention.UntilReported, TimeSpan.Zero, TimeSpan.FromDays(30), TimeSpan.FromDays(30));
        _running = new RetainStage(_store, rules, metrics, _clock, NullLogger.Instance).RunAsync(_stop.Token);
        return metrics;
    }

    private sealed class ScriptedRetention : IRetentionStore
    {
        private readonly SemaphoreSlim _looked = new(0),
            _reclaimed = new(0);
        private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Queue<PurgeSlice> Slices { get; } = new();

        public StoreUnavailableException? Fault { get; set; }

        public int Looks { get; private set; }

        public Task Changed => _changed.Task;

        public void Commit() => _changed.TrySetResult();

        public Task<PurgeSlice> PurgeAsync(RetentionRules rules, long now)
        {
            if (_changed.Task.IsCompleted)
                _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
            Looks++;
            _looked.Release();
            if (Fault is { } fault)
                return Task.FromException<PurgeSlice>(fault);
            return Task.FromResult(Slices.TryDequeue(out var slice) ? slice : new(0, 0, 0, false, long.MaxValue));
        }

        public Task<bool> ReclaimAsync(bool busy)
        {
            _reclaimed.Release();
            return Task.FromResult(false);
        }

        public async Task LooksAsync(int count)
        {
            while (Looks < count)
                Assert.That(await _looked.WaitAsync(Deadline), Is.True, $"{Looks} of {count} looks");
        }

        public async Task ReclaimsAsync(int count)
        {
            for (var n = 0; n < count; n++)
                Assert.That(await _reclaimed.WaitAsync(Deadline), Is.True);
        }
    }
}
