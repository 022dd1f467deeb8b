namespace MailProxy.Pipeline.Send;

/// <summary>Knows how far a conversation came and how long the server may still take for the whole of its next reply.</summary>
internal sealed class PhaseClock : IDisposable
{
    private readonly SmtpTimeouts _timeouts;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _ended;
    private readonly long _began;
    private TimeSpan? _whole;
    private (TimeSpan Most, long Since)? _bound;

    /// <param name="whole">A bound for everything up to <see cref="SmtpPhase.Idle"/> together; null: each phase has its own only.</param>
    public PhaseClock(SmtpTimeouts timeouts, TimeProvider clock, TimeSpan? whole = null)
    {
        (_timeouts, _time, _whole) = (timeouts, clock, whole);
        _began = clock.GetTimestamp();
        _ended = new(Timeout.InfiniteTimeSpan, clock);
    }

    /// <summary>Cancelled when the phase took too long, or by <see cref="CancelWith"/>; never again usable after that.</summary>
    public CancellationToken Token => _ended.Token;

    public SmtpPhase Phase { get; private set; }

    /// <summary>How long octets that were sent may stay unacknowledged.</summary>
    public TimeSpan Unacknowledged => _timeouts.Unacknowledged;

    /// <summary>Lets <paramref name="abort"/> end the conversation until the result is disposed.</summary>
    public CancellationTokenRegistration CancelWith(CancellationToken abort) =>
        abort.UnsafeRegister(static ended => ((CancellationTokenSource)ended!).Cancel(), _ended);

    /// <summary>The same, but not once the last of the body has gone out: then a reply may still come.</summary>
    public CancellationTokenRegistration CancelUnlessFinalWith(CancellationToken abort) =>
        abort.UnsafeRegister(
            static state =>
            {
                var clock = (PhaseClock)state!;
                if (clock.Phase < SmtpPhase.Final)
                    clock._ended.Cancel();
            },
            this
        );

    /// <summary>The conversation moves on; the time for the next reply starts now.</summary>
    public void Enter(SmtpPhase phase)
    {
        Phase = phase;
        if (phase >= SmtpPhase.Idle)
            _whole = null;
        Allow(
            phase switch
            {
                SmtpPhase.Connect => _timeouts.Connect,
                SmtpPhase.Handshake => _timeouts.Handshake,
                SmtpPhase.Greeting => _timeouts.Greeting,
                SmtpPhase.Hello or SmtpPhase.StartTls or SmtpPhase.Authenticate => _timeouts.Command,
                SmtpPhase.Mail => _timeouts.Mail,
                SmtpPhase.Recipient => _timeouts.Recipient,
                SmtpPhase.Data => _timeouts.DataInitiation,
                SmtpPhase.Body => _timeouts.DataBlock,
                SmtpPhase.Final => _timeouts.DataTermination,
                _ => Timeout.InfiniteTimeSpan,
            }
        );
    }

    /// <summary>A bound for everything from now on together, beside those of the phases; null: none any more.</summary>
    public void Bound(TimeSpan? most) => _bound = most is { } time ? (time, Timestamp) : null;

    public long Timestamp => _time.GetTimestamp();

    public TimeSpan Since(long timestamp) => _time.GetElapsedTime(timestamp);

    public TimeSpan Between(long from, long to) => _time.GetElapsedTime(from, to);

    /// <summary>Ends the conversation.</summary>
    public void Cancel() => _ended.Cancel();

    /// <summary>QUIT: the phase stays what it was, and the wait is short.</summary>
    public void EnterFarewell() => Allow(_timeouts.Farewell);

    public void Dispose() => _ended.Dispose();

    private void Allow(TimeSpan time)
    {
        if (_whole is { } whole)
            time = Shorter(time, whole - Since(_began));
        if (_bound is { } bound)
            time = Shorter(time, bound.Most - Since(bound.Since));
        _ended.CancelAfter(time);
    }

    private static TimeSpan Shorter(TimeSpan time, TimeSpan left) =>
        time >= TimeSpan.Zero && time <= left ? time
        : left > TimeSpan.Zero ? left
        : TimeSpan.Zero;
}
