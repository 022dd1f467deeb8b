using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Resolve;

/// <summary>
/// What was fetched, on disk, one file a content, each tenant's apart. Named by what the content really hashes to, so that a claimed hash
/// only ever finds what the same tenant fetched. The least recently used goes first; what somebody holds never goes.
/// </summary>
internal sealed partial class AttachmentCache : IDisposable
{
    private readonly CacheFolder _folder;
    private readonly CacheIndex _index;
    private readonly Func<string, bool> _keeps;
    private readonly PipelineMetrics _metrics;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly long _ageMs;
    private readonly ITimer _timer;
    private readonly Lock _gate = new();
    private bool _timed;

    /// <param name="keeps">Whether a tenant's content stays when nobody holds it.</param>
    public AttachmentCache(
        string directory,
        Func<string, bool> keeps,
        ResolveOptions options,
        PipelineMetrics metrics,
        TimeProvider clock,
        ILogger logger
    )
    {
        (_folder, _keeps, _metrics, _clock, _logger) = (new(directory), keeps, metrics, clock, logger);
        _ageMs = (long)options.CacheAge.TotalMilliseconds;
        _index = new(options.CacheBytes, _ageMs);
        _timer = clock.CreateTimer(
            static cache => ((AttachmentCache)cache!).Aged(),
            this,
            Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan
        );
    }

    /// <summary>
    /// Takes over what the last run left; it is hashed before its first use. Before anything else. Throws <see cref="IOException"/>.
    /// </summary>
    public void Open()
    {
        lock (_gate)
        {
            foreach (var (tenant, digest, size, written) in _folder.Sweep())
            {
                var entry = new CacheEntry(tenant, digest, _folder.Path(tenant, digest), size, verified: false, Let);
                _index.Add(entry);
                _index.Unpin(entry, written.ToUnixTimeMilliseconds());
                if (!_keeps(tenant))
                    Forget(entry);
            }

            Trim();
        }
    }

    /// <summary>Bytes on disk, without what is being written.</summary>
    public long Bytes
    {
        get
        {
            lock (_gate)
                return _index.Bytes;
        }
    }

    /// <summary>
    /// The content with the hash that the message claims; null: it claims none, the tenant has no such content, or it is not verified yet.
    /// </summary>
    public LocalContent? Find(string tenant, AttachmentRef claimed)
    {
        CacheEntry entry;
        lock (_gate)
        {
            if (_index.Find(tenant, claimed) is not { Verified: true } found)
                return null;
            _index.Pin(entry = found);
        }

        return Whole(entry);
    }

    public LocalContent? Find(string tenant, in ContentDigest digest)
    {
        CacheEntry entry;
        lock (_gate)
        {
            if (_index.Find(tenant, digest) is not { Verified: true } found)
                return null;
            _index.Pin(entry = found);
        }

        return Whole(entry);
    }

    /// <summary>Whether <see cref="VerifyAsync"/> has something to do for this attachment.</summary>
    public bool IsUnverified(string tenant, AttachmentRef claimed)
    {
        lock (_gate)
            return _index.Find(tenant, claimed) is { Verified: false };
    }

    /// <summary>
    /// Hashes what an earlier run left under the claimed hash: the first use of it. Null: there is none, or it was damaged and is gone.
    /// </summary>
    public async Task<LocalContent?> VerifyAsync(string tenant, AttachmentRef claimed, CancellationToken cancel)
    {
        CacheEntry entry;
        lock (_gate)
        {
            if (_index.Find(tenant, claimed) is not { } found)
                return null;
            _index.Pin(entry = found);
        }

        if (entry.Verified)
            return Whole(entry);
        var sound = false;
        try
        {
            var (digest, size) = await ContentHasher.OfFileAsync(entry.Path, cancel);
            sound = digest == entry.Digest && size == entry.Size;
            if (!sound)
                Log.Damaged(_logger, entry.Path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Log.Unreadable(_logger, entry.Path, error);
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            Let(entry);
            throw;
        }

        if (sound)
        {
            entry.Verified = true;
            return entry.Lend();
        }

        Forget(entry);
        return null;
    }

    /// <summary>Where to write what is being fetched. Whoever asks keeps it or deletes it.</summary>
    public string NewPart() => _folder.NewPart();

    /// <summary>Takes a part that was written whole. Throws <see cref="IOException"/>; then the part is where it was.</summary>
    public LocalContent Keep(string tenant, string part, in ContentDigest digest, long size)
    {
        CacheEntry entry;
        lock (_gate)
        {
            if (_index.Find(tenant, digest) is { Verified: true } known && IsWhole(known))
            {
                CacheFolder.Delete(part);
                entry = known;
            }
            else
            {
                var path = _folder.Keep(part, tenant, digest);
                if (_index.Find(tenant, digest) is { } doubtful)
                    _index.Remove(doubtful);
                entry = new(tenant, digest, path, size, verified: true, Let);
                _index.Add(entry);
            }

            _index.Pin(entry);
            Trim();
        }

        return entry.Lend();
    }

    /// <summary>Removes what a tenant fetched and nobody holds.</summary>
    public void Forget(string tenant)
    {
        lock (_gate)
        {
            foreach (var entry in _index.UnusedOf(tenant))
                Forget(entry);
        }
    }

    public void Dispose() => _timer.Dispose();

    // One look at the disk: somebody may have cleared the directory.
    private LocalContent? Whole(CacheEntry entry)
    {
        if (IsWhole(entry))
            return entry.Lend();
        Log.Damaged(_logger, entry.Path);
        Forget(entry);
        return null;
    }

    private static bool IsWhole(CacheEntry entry) => new FileInfo(entry.Path) is { Exists: true } file && file.Length == entry.Size;

    private void Let(CacheEntry entry)
    {
        lock (_gate)
        {
            _index.Unpin(entry, Now());
            if (entry.Pins == 0 && !_keeps(entry.Tenant))
                Forget(entry);
            Trim();
        }
    }

    private void Forget(CacheEntry entry)
    {
        lock (_gate)
        {
            if (!_index.Remove(entry))
                return;
            CacheFolder.Delete(entry.Path);
            _metrics.CacheBytes.Set(_index.Bytes);
        }
    }

    private void Aged()
    {
        try
        {
            lock (_gate)
            {
                _timed = false;
                Trim();
            }
        }
        catch (Exception error)
        {
            // What a timer throws ends the process. The next use of the cache trims it too.
            Log.NotTrimmed(_logger, error);
        }
    }

    // Files go under the lock: else a content that comes again at this moment would lose the file it has just got.
    private void Trim()
    {
        while (_index.TakeOverdue(Now()) is { } entry)
        {
            CacheFolder.Delete(entry.Path);
            _metrics.CacheEvictions.Inc();
        }

        _metrics.CacheBytes.Set(_index.Bytes);
        if (_timed || _index.OldestUse is not { } oldest)
            return;
        _timed = true;
        _timer.Change(TimeSpan.FromMilliseconds(Math.Clamp(oldest + _ageMs - Now(), 1000, uint.MaxValue - 1L)), Timeout.InfiniteTimeSpan);
    }

    private long Now() => _clock.GetUtcNow().ToUnixTimeMilliseconds();

    private static partial class Log
    {
        [LoggerMessage(410, LogLevel.Warning, "A file of the attachment cache is damaged or gone; it is fetched anew: {Path}")]
        public static partial void Damaged(ILogger logger, string path);

        [LoggerMessage(414, LogLevel.Error, "The attachment cache could not be trimmed now")]
        public static partial void NotTrimmed(ILogger logger, Exception trouble);

        [LoggerMessage(411, LogLevel.Warning, "A file of the attachment cache cannot be read; it is fetched anew: {Path}")]
        public static partial void Unreadable(ILogger logger, string path, Exception fault);
    }
}
