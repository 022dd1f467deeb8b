using System.Net;
using System.Text.Json;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Api;

/// <summary>Writes refused keys into the audit log, never the key: one entry a minute for each key, reason and address, and few in all, so that whoever knocks cannot fill the disk.</summary>
internal sealed partial class RefusedKeys(IAuditLog log, RemoteAddress remote, TimeProvider clock, ILogger<RefusedKeys> logger)
{
    /// <summary>Entries a minute.</summary>
    public const int Most = 60;

    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly HashSet<(string Actor, string Reason, IPAddress? From)> _seen = [];
    private DateTimeOffset _until;
    private long _left;

    /// <param name="actor">The key's name in the audit log; <c>unknown</c> when it is none of ours.</param>
    /// <param name="reason">The code of the refusal.</param>
    public void Note(HttpContext http, string actor, string reason)
    {
        var from = remote.Of(http);
        long left;
        lock (_lock)
        {
            var now = clock.GetUtcNow();
            if (now >= _until || now < _until - Window)
            {
                _seen.Clear();
                _until = now + Window;
            }

            if (_seen.Count >= Most || !_seen.Add((actor, reason, from)))
            {
                _left++;
                return;
            }

            (left, _left) = (_left, 0);
        }

        var route = (http.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? "(no route)";
        var detail = new RefusedKeyDetail(reason, from?.ToString(), $"{http.Request.Method} {route}", left);
        _ = WriteAsync(actor, JsonSerializer.Serialize(detail, ApiJson.Plain.RefusedKeyDetail));
    }

    private async Task WriteAsync(string actor, string detail)
    {
        try
        {
            await log.AppendAsync(actor, "key.refused", actor == Unknown ? "key" : actor, detail);
        }
        catch (Exception fault) when (fault is StoreUnavailableException or ObjectDisposedException)
        {
            Log.NotWritten(logger, actor, detail, fault);
        }
    }

    public const string Unknown = "unknown";

    private static partial class Log
    {
        [LoggerMessage(921, LogLevel.Warning, "A refused key ({Actor}: {Detail}) could not be written into the audit log.")]
        public static partial void NotWritten(ILogger logger, string actor, string detail, Exception fault);
    }
}

/// <summary>What the audit log keeps of a refused key.</summary>
/// <param name="Unlogged">Refusals since the last entry that got none of their own.</param>
internal sealed record RefusedKeyDetail(string Reason, string? Address, string Route, long Unlogged);
