using Microsoft.Extensions.Time.Testing;

namespace MailProxy.Tests.Api;

/// <summary>A clock that stands still until told, and says when somebody waits for a given time.</summary>
internal sealed class TimerClock() : FakeTimeProvider(new DateTimeOffset(2030, 1, 2, 3, 4, 5, TimeSpan.Zero))
{
    private readonly Lock _lock = new();
    private readonly Dictionary<TimeSpan, int> _made = [];
    private readonly List<(TimeSpan Due, int Count, TaskCompletionSource Reached)> _waiting = [];

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = base.CreateTimer(callback, state, dueTime, period);
        lock (_lock)
        {
            var count = _made[dueTime] = _made.GetValueOrDefault(dueTime) + 1;
            foreach (var waiting in _waiting.Where(w => w.Due == dueTime && count >= w.Count))
                waiting.Reached.TrySetResult();
        }

        return timer;
    }

    /// <summary>Completes when somebody has begun to wait this long, for the n-th time.</summary>
    public Task WaitedForAsync(TimeSpan due, int count = 1)
    {
        lock (_lock)
        {
            if (_made.GetValueOrDefault(due) >= count)
                return Task.CompletedTask;
            var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Add((due, count, reached));
            return reached.Task.WaitAsync(ApiHost.Deadline);
        }
    }
}
