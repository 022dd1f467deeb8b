using Microsoft.Extensions.Time.Testing;

namespace MailProxy.Tests.Schedule;

/// <summary>
/// A fake clock whose wall time can step while timestamps and timers go on, as a real one's does; and which counts how often a timer was
/// set, so that a test can see a loop go to rest.
/// </summary>
internal sealed class StepClock() : FakeTimeProvider(new DateTimeOffset(2026, 1, 1, 12, 0, 0, TimeSpan.Zero))
{
    private readonly Lock _gate = new();
    private TimeSpan _offset;
    private int _set;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public long Now => GetUtcNow().ToUnixTimeMilliseconds();

    public int TimersSet
    {
        get
        {
            lock (_gate)
                return _set;
        }
    }

    public void Step(TimeSpan by)
    {
        lock (_gate)
            _offset += by;
    }

    public override DateTimeOffset GetUtcNow()
    {
        lock (_gate)
            return base.GetUtcNow() + _offset;
    }

    public override long GetTimestamp() => base.GetUtcNow().Ticks;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        new CountedTimer(base.CreateTimer(callback, state, dueTime, period), this);

    /// <summary>Returns when timers were set more often than that.</summary>
    public async Task SetMoreThanAsync(int times)
    {
        for (; ; )
        {
            Task changed;
            lock (_gate)
            {
                if (_set > times)
                    return;
                changed = _changed.Task;
            }

            await changed.WaitAsync(TimeSpan.FromSeconds(30));
        }
    }

    private void Count()
    {
        lock (_gate)
        {
            _set++;
            _changed.TrySetResult();
            _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    private sealed class CountedTimer(ITimer timer, StepClock clock) : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            var changed = timer.Change(dueTime, period);
            clock.Count();
            return changed;
        }

        public void Dispose() => timer.Dispose();

        public ValueTask DisposeAsync() => timer.DisposeAsync();
    }
}
