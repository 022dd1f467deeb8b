using System.Text.Json;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Api;

/// <summary>
/// Writes refused keys into the audit log, never the key: one entry a minute for each key, reason and address, and few in all, so that
/// whoever knocks
/// cannot fill the disk. What got no entry is told when the minute is over, with where it came from.
/// </summary>
internal sealed partial class RefusedKeys(IAuditLog log, RemoteAddress remote, TimeProvider clock, ILogger<RefusedKeys> logger)
    : IDisposable
{
    public const string Unknown = "unknown";

    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly RefusalTable _table = new(Random.Shared.NextDouble);
    private ITimer? _over; // null: no minute runs

    /// <param name="actor">The key's name in the audit log; <see cref="Unknown"/> when it is none of ours.</param>
    /// <param name="reason">The code of the refusal.</param>
    public void Note(HttpContext http, string actor, string reason)
    {
        var from = remote.Of(http);
        Refusal refusal;
        lock (_lock)
        {
            _over ??= clock.CreateTimer(static self => ((RefusedKeys)self!).Turn(), this, Minute, Timeout.InfiniteTimeSpan);
            refusal = _table.Note(actor, actor != Unknown, reason, from);
        }

        if (!refusal.Tell)
            return;
        var route = (http.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? "(no route)";
        var detail = new RefusedKeyDetail(reason, from?.ToString(), $"{http.Request.Method} {route}", refusal.Unlogged);
        var subject = actor == Unknown ? "key" : actor;
        _ = WriteAsync(actor, "key.refused", subject, JsonSerializer.Serialize(detail, ApiJson.Plain.RefusedKeyDetail));
    }

    public void Dispose()
    {
        lock (_lock)
            _over?.Dispose();
    }

    private void Turn()
    {
        Suppressed? suppressed;
        lock (_lock)
        {
            _over?.Dispose();
            _over = null;
            suppressed = _table.Turn();
        }

        if (suppressed is null)
            return;
        Log.Suppressed(logger, suppressed.Count, suppressed.Groups.Count);
        var groups = suppressed.Groups.Select(static group => new RefusedGroup(group.Group, group.Count));
        var detail = new SuppressedKeysDetail(suppressed.Count, [.. groups]);
        _ = WriteAsync("mailproxy", "key.refused_more", "key", JsonSerializer.Serialize(detail, ApiJson.Plain.SuppressedKeysDetail));
    }

    private async Task WriteAsync(string actor, string action, string subject, string detail)
    {
        try
        {
            await log.AppendAsync(actor, action, subject, detail);
        }
        catch (Exception error) when (error is StoreUnavailableException or ObjectDisposedException)
        {
            Log.NotWritten(logger, actor, detail, error);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(921, LogLevel.Warning, "A refused key ({Actor}: {Detail}) could not be written into the audit log.")]
        public static partial void NotWritten(ILogger logger, string actor, string detail, Exception fault);

        [LoggerMessage(
            922,
            LogLevel.Warning,
            "{Count} more refused keys came within a minute, by {Groups} keys and networks or more; the audit log names some."
        )]
        public static partial void Suppressed(ILogger logger, long count, int groups);
    }
}

/// <summary>What the audit log keeps of a refused key.</summary>
/// <param name="Unlogged">Refusals since the last entry that got none of their own.</param>
internal sealed record RefusedKeyDetail(string Reason, string? Address, string Route, long Unlogged);

/// <summary>What it keeps of those of a minute that got no entry of their own.</summary>
/// <param name="Groups">Some of the keys and networks (/24, /48) they came by, the most first.</param>
internal sealed record SuppressedKeysDetail(long Unlogged, IReadOnlyList<RefusedGroup> Groups);

internal sealed record RefusedGroup(string From, long Count);
