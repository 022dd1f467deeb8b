using System.Diagnostics;
using MailProxy.Pipeline.Storage.Nodes;

namespace MailProxy.Pipeline.Storage.Postgres;

/// <summary>How long a node may still send without having heard of the database. From any thread.</summary>
/// <param name="clock">The machine's.</param>
internal sealed class PgRest(NodeOptions options, TimeProvider clock)
{
    private readonly Lock _gate = new();
    private (long Ticks, long Wall) _good = (Stopwatch.GetTimestamp(), WallOf(clock));

    /// <summary>Below zero: others may have taken its lanes over.</summary>
    public TimeSpan Left
    {
        get
        {
            lock (_gate)
            {
                // A machine that was suspended may have stopped the one, and somebody may have set the other.
                var past = Stopwatch.GetElapsedTime(_good.Ticks);
                var wall = TimeSpan.FromMilliseconds(WallOf(clock) - _good.Wall);
                return options.TimeToLive - options.Margin - (wall > past ? wall : past);
            }
        }
    }

    /// <summary>A beat begins.</summary>
    public (long Ticks, long Wall) Now() => (Stopwatch.GetTimestamp(), WallOf(clock));

    /// <summary>The beat that began then has succeeded.</summary>
    public void Renew((long Ticks, long Wall) began)
    {
        lock (_gate)
            _good = began;
    }

    private static long WallOf(TimeProvider clock) => clock.GetUtcNow().ToUnixTimeMilliseconds();
}
