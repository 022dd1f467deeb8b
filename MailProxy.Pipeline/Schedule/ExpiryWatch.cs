using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Schedule;

/// <summary>
/// Knows when the next stored mail expires, and closes expired mail. The hint may come from any thread; the rest is used by the
/// scheduler's loop.
/// </summary>
internal sealed partial class ExpiryWatch(IMessageStore store, int chunk, ILogger logger)
{
    /// <summary>A sweep that found nothing is not repeated within this time (milliseconds).</summary>
    private const long Pause = 1000;

    /// <summary>The pause after a sweep that met an unexpected error.</summary>
    private const long LongPause = 60_000;

    private long _hint = long.MaxValue;
    private long _next = long.MaxValue;

    /// <summary>When there is something to do; <see cref="long.MaxValue"/>: never.</summary>
    public long Next
    {
        get => Math.Min(_next, Volatile.Read(ref _hint));
        set => _next = value;
    }

    /// <summary>A mail expires then. True when that is earlier than the known time.</summary>
    public bool Hint(long at)
    {
        for (var known = Volatile.Read(ref _hint); at < known; )
        {
            var was = Interlocked.CompareExchange(ref _hint, at, known);
            if (was == known)
                return true;
            known = was;
        }

        return false;
    }

    /// <summary>Closes a chunk of expired mail; true when there is more.</summary>
    public async ValueTask<bool> SweepAsync(long now)
    {
        _next = Math.Min(_next, Interlocked.Exchange(ref _hint, long.MaxValue));
        if (_next > now)
            return false;
        try
        {
            var sweep = await store.ExpireAsync(now, chunk);
            _next = sweep.Expired > 0 ? sweep.NextExpiry : Math.Max(sweep.NextExpiry, now + Pause);
            return _next <= now;
        }
        catch (Exception error) when (error is not StoreUnavailableException)
        {
            Log.CannotExpire(logger, error);
            _next = now + LongPause;
            return false;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(304, LogLevel.Error, "What has expired could not be closed; again in a minute")]
        public static partial void CannotExpire(ILogger logger, Exception trouble);
    }
}
