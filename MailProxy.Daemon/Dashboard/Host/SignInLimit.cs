using System.Net;
using System.Threading.RateLimiting;

namespace MailProxy.Daemon.Dashboard.Host;

/// <summary>Slows whoever tries keys: ten tries a minute from an address, a hundred from all.</summary>
internal sealed class SignInLimit : IDisposable
{
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    private readonly PartitionedRateLimiter<IPAddress?> _limit = PartitionedRateLimiter.CreateChained(
        PartitionedRateLimiter.Create<IPAddress?, string>(static address => Part(address?.ToString() ?? "", 10)),
        PartitionedRateLimiter.Create<IPAddress?, string>(static _ => Part("all", 100))
    );

    /// <summary>False: too many tries; wait a minute.</summary>
    public bool Allows(IPAddress? address)
    {
        using var permit = _limit.AttemptAcquire(address);
        return permit.IsAcquired;
    }

    public void Dispose() => _limit.Dispose();

    private static RateLimitPartition<string> Part(string key, int permits) =>
        RateLimitPartition.GetSlidingWindowLimiter(
            key,
            _ => new SlidingWindowRateLimiterOptions
            {
                PermitLimit = permits,
                Window = Window,
                SegmentsPerWindow = 6,
                QueueLimit = 0,
            }
        );
}
