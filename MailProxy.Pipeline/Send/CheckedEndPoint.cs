using System.Net;
using MailProxy.Pipeline.Network;

namespace MailProxy.Pipeline.Send;

/// <summary>A server that was named with a tenant's key: only addresses that the network policy allows, and the connection goes to the very address that was checked.</summary>
internal sealed class CheckedEndPoint(string host, int port, NetworkPolicy policy) : EndPoint
{
    public int Port => port;

    /// <summary>Its addresses that may be reached. Throws <see cref="AddressRefusedException"/> when there is none.</summary>
    public async Task<IPAddress[]> AddressesAsync(CancellationToken cancel)
    {
        var all = IPAddress.TryParse(host, out var literal) ? [literal] : await NameLookup.AddressesAsync(host, cancel);
        IPAddress[] allowed = [.. all.Where(policy.Allows)];
        return allowed.Length > 0 ? allowed : throw new AddressRefusedException(host);
    }

    public override string ToString() => $"{host}:{port}";
}
