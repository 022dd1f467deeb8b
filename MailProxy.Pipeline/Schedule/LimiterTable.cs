using System.Collections.Concurrent;
using System.Threading.RateLimiting;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Schedule;

/// <summary>
/// The limiters of accounts, tenants and the installation, one partition a key. Unlike the framework's own partitioned limiter it has no
/// heartbeat, and it drops the partition of a deleted account when it is told to.
/// </summary>
internal sealed class LimiterTable(Func<LimitKey, AccountRateLimiter> make) : PartitionedRateLimiter<LimitKey>
{
    private readonly ConcurrentDictionary<LimitKey, AccountRateLimiter> _partitions = [];

    /// <summary>How many keys have counts.</summary>
    public int Count => _partitions.Count;

    /// <summary>The limiter of a key, made when it is new.</summary>
    public AccountRateLimiter Of(LimitKey key) => _partitions.TryGetValue(key, out var known) ? known : _partitions.GetOrAdd(key, make);

    /// <summary>The limiter of a key; null: nothing was counted under it.</summary>
    public AccountRateLimiter? Find(LimitKey key) => _partitions.GetValueOrDefault(key);

    public void Drop(LimitKey key) => _partitions.TryRemove(key, out _);

    /// <summary>Drops every partition that is not to stay.</summary>
    public void Keep(Func<LimitKey, AccountRateLimiter, bool> stays)
    {
        foreach (var (key, limiter) in _partitions)
        {
            if (!stays(key, limiter))
                _partitions.TryRemove(key, out _);
        }
    }

    public override RateLimiterStatistics? GetStatistics(LimitKey resource) => Find(resource)?.GetStatistics();

    protected override RateLimitLease AttemptAcquireCore(LimitKey resource, int permitCount) => Of(resource).AttemptAcquire(permitCount);

    protected override ValueTask<RateLimitLease> AcquireAsyncCore(
        LimitKey resource,
        int permitCount,
        CancellationToken cancellationToken
    ) => Of(resource).AcquireAsync(permitCount, cancellationToken);
}
