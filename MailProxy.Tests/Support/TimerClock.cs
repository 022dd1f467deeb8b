using Microsoft.Extensions.Time.Testing;

namespace MailProxy.Tests.Support;

/// <summary>A clock that stands still and says when somebody begins to wait for it, so that a test never advances it too early.</summary>
internal sealed class TimerClock : FakeTimeProvider
{
    private readonly SemaphoreSlim _waits = new(0);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = base.CreateTimer(callback, state, dueTime, period);
        _waits.Release();
        return timer;
    }

    /// <summary>Waits until one more timer was made, then advances.</summary>
    public async Task AdvanceOnceWaitedForAsync(TimeSpan by)
    {
        if (!await _waits.WaitAsync(TimeSpan.FromSeconds(30)))
            throw new TimeoutException("Nobody waits for the clock");
        Advance(by);
    }
}
