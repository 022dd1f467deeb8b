using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Storage.Nodes;

/// <summary>
/// The time that nodes have in common: the database's, carried on between two readings by what only runs forward here. So what one node
/// wrote means the same at another one, however their machines' clocks are set. Until the first reading, the machine's. From any thread.
/// </summary>
/// <param name="machine">The machine's clock.</param>
public sealed partial class NodeClock(TimeProvider machine) : TimeProvider
{
    /// <summary>A machine's clock that is wrong by less is not worth a word.</summary>
    private static readonly TimeSpan Tolerance = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private Reading? _last;
    private bool _isOff;

    public TimeProvider Machine => machine;

    public override long TimestampFrequency => machine.TimestampFrequency;

    public override TimeZoneInfo LocalTimeZone => machine.LocalTimeZone;

    public override long GetTimestamp() => machine.GetTimestamp();

    public override DateTimeOffset GetUtcNow() =>
        Volatile.Read(ref _last) is { } last ? last.Time + machine.GetElapsedTime(last.At) : machine.GetUtcNow();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        machine.CreateTimer(callback, state, dueTime, period);

    /// <summary>The database's clock was read. What its answer's way cannot tell apart from the time so far changes nothing.</summary>
    /// <param name="asked">The timestamp before the question.</param>
    /// <param name="answered">The timestamp behind the answer.</param>
    public void Hear(DateTimeOffset told, long asked, long answered, ILogger logger)
    {
        var half = machine.GetElapsedTime(asked, answered) / 2;
        lock (_gate)
        {
            var heard = new Reading(told + half, answered);
            if (_last is null || (heard.Time - (_last.Time + machine.GetElapsedTime(_last.At, answered))).Duration() > half)
                Volatile.Write(ref _last, heard);
        }

        Compare(logger);
    }

    // Said once, and again when it is over: certificates and tokens are judged by the machine's.
    private void Compare(ILogger logger)
    {
        var ahead = machine.GetUtcNow() - GetUtcNow();
        var isOff = ahead.Duration() > Tolerance;
        if (Interlocked.Exchange(ref _isOff, isOff) == isOff)
            return;
        if (isOff)
            Log.IsOff(logger, Math.Round(ahead.TotalSeconds, 1));
        else
            Log.IsRight(logger);
    }

    private sealed record Reading(DateTimeOffset Time, long At);

    private static partial class Log
    {
        [LoggerMessage(
            737,
            LogLevel.Warning,
            "This machine's clock is {Seconds} s ahead of the database's (below zero: behind), by which all nodes go; set the wrong one"
        )]
        public static partial void IsOff(ILogger logger, double seconds);

        [LoggerMessage(738, LogLevel.Information, "This machine's clock goes with the database's again")]
        public static partial void IsRight(ILogger logger);
    }
}
