using System.Net;
using System.Net.Sockets;
using MailProxy.Pipeline.Network;
using Microsoft.Extensions.Options;

namespace MailProxy.Daemon.Api;

/// <summary>Who is on the other side: the peer, or, when that is a trusted proxy, whom the proxies say they speak for.</summary>
internal sealed class RemoteAddress(IOptions<ApiOptions> options)
{
    // What stands further left was written by nobody we trust, however long the list is.
    private const int MostHops = 16;

    private readonly IPNetwork[] _proxies =
    [
        .. options.Value.TrustedProxies.Select(range =>
            NetworkPolicy.TryParse(range, out var network) ? network : throw new FormatException($"'{range}' is not a CIDR range.")
        ),
    ];

    /// <summary>Null: not known, as with a Unix socket.</summary>
    public IPAddress? Of(HttpContext http)
    {
        var address = Plain(http.Connection.RemoteIpAddress);
        if (_proxies.Length == 0 || address is null || !IsProxy(address))
            return address;

        // Each proxy appends whom it saw, so the last that no proxy of ours is, is the client.
        var named = http.Request.Headers["X-Forwarded-For"].SelectMany(line => (line ?? "").Split(',')).Reverse().Take(MostHops);
        foreach (var text in named)
        {
            // Some proxies (Azure's gateway) write the port too; an IPv6 address then stands in brackets.
            if (!IPEndPoint.TryParse(text.AsSpan().Trim(), out var before))
                return null;
            address = Plain(before.Address)!;
            if (!IsProxy(address))
                break;
        }

        return address;
    }

    private bool IsProxy(IPAddress address) => Array.Exists(_proxies, network => network.Contains(address));

    // A zone has no say in what an address is, and would keep it out of every range.
    private static IPAddress? Plain(IPAddress? address) =>
        address is not { AddressFamily: AddressFamily.InterNetworkV6 } ? address
        : address.IsIPv4MappedToIPv6 ? address.MapToIPv4()
        : new(address.GetAddressBytes());
}
