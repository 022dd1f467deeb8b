using System.Net;
using System.Net.Sockets;
using System.Threading.RateLimiting;

namespace MailProxy.Daemon.Dashboard.Host;

/// <summary>Slows whoever guesses keys: ten wrong ones a minute from an address, or from a network of IPv6 (/64).</summary>
internal sealed class SignInLimit : IDisposable
{
    private const int Tries = 10;
    private const int Network6 = 8;

    private readonly PartitionedRateLimiter<IPAddress?> _limit = PartitionedRateLimiter.Create<IPAddress?, string>(static address =>
        RateLimitPartition.GetSlidingWindowLimiter(
            Key(address),
            static _ => new SlidingWindowRateLimiterOptions
            {
                PermitLimit = Tries,
                Window = TimeSpan.FromMinutes(1),
                SegmentsPerWindow = 6,
                QueueLimit = 0,
            }
        )
    );

    /// <summary>False: too many wrong keys came from there; wait a minute.</summary>
    public bool Allows(IPAddress? address) => _limit.GetStatistics(address) is not { CurrentAvailablePermits: 0 };

    public void Wrong(IPAddress? address) => _limit.AttemptAcquire(address).Dispose();

    public void Dispose() => _limit.Dispose();

    private static string Key(IPAddress? address) =>
        address is { AddressFamily: AddressFamily.InterNetworkV6 }
            ? Convert.ToHexString(address.GetAddressBytes(), 0, Network6)
            : address?.ToString() ?? "";
}
