using System.Collections.Concurrent;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Disk;

namespace MailProxy.Daemon.Api;

/// <summary>Notes when keys were last used: beside the request, and at most once a minute a key.</summary>
internal sealed partial class KeyUses(IKeyUseStore store, TimeProvider clock, ILogger<KeyUses> logger)
{
    private const long Pause = 60_000;

    // One entry a key that was used since the start.
    private readonly ConcurrentDictionary<(string Tenant, string Id), long> _noted = new();

    public void Note(TenantKey key)
    {
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        var name = (key.Tenant, key.Id);
        var last = _noted.GetOrAdd(name, long.MinValue);
        if (last > now - Pause && last <= now)
            return;
        if (_noted.TryUpdate(name, now, last))
            _ = WriteAsync(key, now);
    }

    private async Task WriteAsync(TenantKey key, long at)
    {
        try
        {
            await store.NoteUseAsync(key.Tenant, key.Id, at);
        }
        catch (Exception error) when (error is StoreUnavailableException or ObjectDisposedException)
        {
            Log.NotNoted(logger, key.ToString(), error); // the next use notes it
        }
    }

    private static partial class Log
    {
        [LoggerMessage(920, LogLevel.Debug, "That the key {Key} was used could not be noted.")]
        public static partial void NotNoted(ILogger logger, string key, Exception fault);
    }
}
