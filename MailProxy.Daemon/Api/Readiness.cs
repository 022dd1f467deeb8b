using MailProxy.Pipeline.Intake;
using MailProxy.Pipeline.Telemetry;

namespace MailProxy.Daemon.Api;

/// <summary>Whether messages are taken, and every reason why not. Trouble of the disk is told to the log once when it begins and once when
/// it ends; the store tells of its own.</summary>
internal sealed partial class Readiness(
    PipelineHealth health,
    FreeDisk freeDisk,
    StorageLook storage,
    IngestOptions limits,
    TimeProvider clock,
    ILogger<Readiness> logger
)
{
    // A look costs some system calls: once a second is enough for a floor of megabytes.
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    private readonly Lock _looking = new();
    private Look _last = new(long.MinValue, long.MaxValue, []);

    /// <summary>Free bytes where the data is, at the last look.</summary>
    public long FreeBytes => Now().Free;

    /// <summary>All of them; none: ready.</summary>
    public IReadOnlyList<NotReady> Reasons() => [.. health.Reasons(), .. Now().Troubles];

    /// <summary>What is wrong with the disk or with what lies on it.</summary>
    public IReadOnlyList<NotReady> Disk() => Now().Troubles;

    private Look Now()
    {
        var last = Volatile.Read(ref _last);
        if (IsFresh(last))
            return last;
        lock (_looking)
        {
            if (IsFresh(_last))
                return _last;
            var next = Take();
            Tell(_last.Troubles, next.Troubles);
            Volatile.Write(ref _last, next);
            return next;
        }
    }

    private bool IsFresh(Look look) => look.At != long.MinValue && clock.GetElapsedTime(look.At) < LookEvery;

    private Look Take()
    {
        var at = clock.GetTimestamp();
        var troubles = new List<NotReady>();
        if (storage() is { } lost)
            troubles.Add(lost);
        var free = Free();
        if (free < limits.MinFreeBytes)
        {
            troubles.Add(
                new(
                    "disk_low",
                    $"The disk of the data directory has {free} bytes free, and nothing is taken below "
                        + $"{limits.MinFreeBytes} (Ingest:MinFreeBytes). Free some space; mail that was taken goes on.",
                    "The disk of the data directory has less free than Ingest:MinFreeBytes. Free some space; mail that was taken goes on."
                )
            );
        }

        return new(at, free, troubles);
    }

    private long Free()
    {
        try
        {
            return freeDisk();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return 0; // nobody can say, so nobody may count on it
        }
    }

    private void Tell(IReadOnlyList<NotReady> before, IReadOnlyList<NotReady> now)
    {
        foreach (var begun in now.Where(n => before.All(b => b.Code != n.Code)))
            Log.Begun(logger, begun.Code, begun.Detail);
        foreach (var over in before.Where(b => now.All(n => n.Code != b.Code)))
            Log.Over(logger, over.Code);
    }

    private sealed record Look(long At, long Free, IReadOnlyList<NotReady> Troubles);

    private static partial class Log
    {
        [LoggerMessage(930, LogLevel.Error, "No message is taken ({Code}): {Detail}")]
        public static partial void Begun(ILogger logger, string code, string detail);

        [LoggerMessage(931, LogLevel.Information, "What kept messages from being taken is over ({Code})")]
        public static partial void Over(ILogger logger, string code);
    }
}
