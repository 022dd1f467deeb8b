using System.Net;
using System.Net.Sockets;
using MailProxy.Pipeline.Network;

namespace MailProxy.Daemon.Genro.Import;

/// <summary>Finds hosts that the network policy does not let anybody connect to, and what would have to be allowed.</summary>
internal sealed class PrivateHosts(NetworkPolicy policy, Func<string, CancellationToken, Task<IPAddress[]>> resolve, TimeProvider clock)
{
    /// <summary>How many hosts are looked up.</summary>
    public const int MostAsked = 500;

    private const int AtOnce = 16;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>The addresses that are not allowed, each with its host; and hosts whose addresses nobody knows.</summary>
    public async Task<(IReadOnlyList<(string Host, IPAddress Address)> Private, IReadOnlyList<string> Unknown)> FindAsync(
        IEnumerable<string> hosts
    )
    {
        var asked = hosts.Order(StringComparer.Ordinal).Take(MostAsked).ToArray();
        var found = new IPAddress[]?[asked.Length];
        await Parallel.ForAsync(
            0,
            asked.Length,
            new ParallelOptions { MaxDegreeOfParallelism = AtOnce },
            async (i, _) => found[i] = await AddressesAsync(asked[i])
        );
        var refused =
            from i in Enumerable.Range(0, asked.Length)
            from address in found[i] ?? []
            where !policy.Allows(address)
            select (asked[i], address);
        return (
            [.. refused.DistinctBy(static one => one.address)],
            [.. Enumerable.Range(0, asked.Length).Where(i => found[i] is null).Select(i => asked[i])]
        );
    }

    private async Task<IPAddress[]?> AddressesAsync(string host)
    {
        if (IPAddress.TryParse(host.Trim('[', ']'), out var literal))
            return [literal];
        using var enough = new CancellationTokenSource(Patience, clock);
        try
        {
            return await resolve(host, enough.Token) is { Length: > 0 } addresses ? addresses : null;
        }
        catch (Exception error) when (error is SocketException or OperationCanceledException or ArgumentException)
        {
            return null;
        }
    }
}
