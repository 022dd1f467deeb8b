using System.Diagnostics;

namespace MailProxy.Pipeline.Storage.Postgres;

/// <summary>How soon a node looks around again. Used by its thread only.</summary>
internal sealed class LookPace(TimeSpan beat)
{
    private static readonly TimeSpan Giving = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(1);

    private long? _givingSince; // Stopwatch time

    /// <param name="gives">Whether lanes are given up as soon as nothing of them is under way.</param>
    /// <param name="isLeaving">Whether this node stops: nobody sends for what it still holds.</param>
    /// <param name="untilDead">After which another one counts as dead; null: nobody does.</param>
    public TimeSpan Next(bool gives, bool isLeaving, TimeSpan? untilDead)
    {
        // A lane runs dry within moments, or when a server answers at last.
        _givingSince = gives ? _givingSince ?? Stopwatch.GetTimestamp() : null;
        var isSoon = _givingSince is { } since && Stopwatch.GetElapsedTime(since) < Soon;
        var next =
            isSoon ? Giving
            : gives && isLeaving ? beat / 10
            : beat;
        return untilDead < next ? TimeSpan.FromTicks(Math.Max(untilDead.Value.Ticks, Giving.Ticks)) : next;
    }
}
