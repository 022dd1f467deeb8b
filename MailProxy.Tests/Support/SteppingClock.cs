namespace MailProxy.Tests.Support;

/// <summary>
/// The system's clock, whose wall time a test can set forward and back while timers and timestamps go on, as somebody's <c>date -s</c>
/// does.
/// </summary>
internal sealed class SteppingClock : TimeProvider
{
    private long _offset;

    public void Step(TimeSpan by) => Interlocked.Add(ref _offset, by.Ticks);

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow().AddTicks(Interlocked.Read(ref _offset));
}
