using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Resolve;

/// <summary>
/// The on-disk cache of fetched content: one file per content, separate for each tenant. A file is named by its actual hash, so a claimed
/// hash can only match content that the same tenant has fetched. The least recently used content is evicted first; content that a mail
/// still holds is never evicted.
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

    /// <param name="keeps">Whether a tenant's content stays in the cache when no mail holds it.</param>
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
    /// Loads the files left by the previous run; each is hashed again before its first use. Must be called before any other method. Throws
    /// <see cref="IOException"/>.
    /// </summary>
    public void Open()
    {
        lock (_gate)
        {
            foreach (var (tenant, digest, size, written) in _folder.Sweep())
            {
                var entry = new CacheEntry(tenant, digest, _folder.Path(tenant, digest), size, verified: false, Release);
                _index.Add(entry);
                _index.Unpin(entry, written.ToUnixTimeMilliseconds());
                if (!_keeps(tenant))
                    Forget(entry);
            }

            Trim();
        }
    }

    /// <summary>Bytes on disk, not counting files that are still being written.</summary>
    public long Bytes
    {
        get
        {
            lock (_gate)
                return _index.Bytes;
        }
    }

    /// <summary>
    /// The content with the hash that the message claims. Null when the message claims no hash, when the tenant has no such content, or
    /// when
    /// the content is not verified yet.
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

    /// <summary>Whether the cache has unverified content for this attachment, so that <see cref="VerifyAsync"/> must be called.</summary>
    public bool IsUnverified(string tenant, AttachmentRef claimed)
    {
        lock (_gate)
            return _index.Find(tenant, claimed) is { Verified: false };
    }

    /// <summary>
    /// Verifies content of a previous run before its first use, by hashing it. Null when there is none under the claimed hash, or when it
    /// was
    /// damaged and has been removed.
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
            Release(entry);
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

    /// <summary>Path of a new partial file for content that is being fetched. The caller passes it to <see cref="Keep"/> or deletes
    /// it.</summary>
    public string NewPart() => _folder.NewPart();

    /// <summary>Moves a completely written partial file into the cache. If this throws <see cref="IOException"/>, the file stays where it
    /// was.</summary>
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
                entry = new(tenant, digest, path, size, verified: true, Release);
                _index.Add(entry);
            }

            _index.Pin(entry);
            Trim();
        }

        return entry.Lend();
    }

    /// <summary>Removes the tenant's content that no mail holds.</summary>
    public void Forget(string tenant)
    {
        lock (_gate)
        {
            foreach (var entry in _index.UnusedOf(tenant))
                Forget(entry);
        }
    }

    public void Dispose() => _timer.Dispose();

    // Checks the file on disk, since somebody may have cleared the cache directory.
    private LocalContent? Whole(CacheEntry entry)
    {
        if (IsWhole(entry))
            return entry.Lend();
        Log.Damaged(_logger, entry.Path);
        Forget(entry);
        return null;
    }

    private static bool IsWhole(CacheEntry entry) => new FileInfo(entry.Path) is { Exists: true } file && file.Length == entry.Size;

    private void Release(CacheEntry entry)
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
            // An exception in a timer callback ends the process. The next use of the cache trims it as well.
            Log.NotTrimmed(_logger, error);
        }
    }

    // Files are deleted under the lock; otherwise content that is added again at this moment would lose its new file.
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
        [LoggerMessage(410, LogLevel.Warning, "A file of the attachment cache is damaged or missing and will be fetched again: {Path}")]
        public static partial void Damaged(ILogger logger, string path);

        [LoggerMessage(414, LogLevel.Error, "The attachment cache could not be trimmed")]
        public static partial void NotTrimmed(ILogger logger, Exception trouble);

        [LoggerMessage(411, LogLevel.Warning, "A file of the attachment cache cannot be read and will be fetched again: {Path}")]
        public static partial void Unreadable(ILogger logger, string path, Exception fault);
    }
}
