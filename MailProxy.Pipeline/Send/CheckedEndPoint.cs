using System.Net;
using MailProxy.Pipeline.Network;

namespace MailProxy.Pipeline.Send;

/// <summary>
/// A server that was named with a tenant's key: only addresses that the network policy allows, and the connection goes to the very
/// address that was checked.
/// </summary>
internal sealed class CheckedEndPoint(string host, int port, NetworkPolicy policy) : EndPoint
{
    private readonly Dialer _dialer = new(policy);

    public int Port => port;

    /// <summary>
    /// Its addresses that may be reached. Throws <see cref="AddressRefusedException"/> when there is none, or the name is not known:
    /// which of the two a tenant is not told.
    /// </summary>
    public Task<IPAddress[]> AddressesAsync(CancellationToken cancel) => _dialer.AddressesAsync(host, cancel);

    public override string ToString() => $"{host}:{port}";
}
