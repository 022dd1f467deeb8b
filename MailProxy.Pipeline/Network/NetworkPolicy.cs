using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;

namespace MailProxy.Pipeline.Network;

/// <summary>Which addresses outgoing connections may go to: public unicast addresses, and those that the operator allows. Pure.</summary>
public sealed class NetworkPolicy
{
    // IANA special-purpose registries (RFC 6890 and its updates), and cloud metadata services on public addresses.
    private static readonly IPNetwork[] NotPublic4 =
    [
        IPNetwork.Parse("0.0.0.0/8"),
        IPNetwork.Parse("10.0.0.0/8"),
        IPNetwork.Parse("100.64.0.0/10"), // carrier-grade NAT
        IPNetwork.Parse("127.0.0.0/8"),
        IPNetwork.Parse("168.63.129.16/32"), // Azure's host agent
        IPNetwork.Parse("169.254.0.0/16"), // link-local, most metadata services
        IPNetwork.Parse("172.16.0.0/12"),
        IPNetwork.Parse("192.0.0.0/24"),
        IPNetwork.Parse("192.0.2.0/24"),
        IPNetwork.Parse("192.88.99.0/24"),
        IPNetwork.Parse("192.168.0.0/16"),
        IPNetwork.Parse("198.18.0.0/15"),
        IPNetwork.Parse("198.51.100.0/24"),
        IPNetwork.Parse("203.0.113.0/24"),
        IPNetwork.Parse("224.0.0.0/4"), // multicast
        IPNetwork.Parse("240.0.0.0/4"), // reserved, broadcast
    ];

    // Everything outside 2000::/3 is loopback, unique-local, link-local, multicast or unassigned.
    private static readonly IPNetwork Global6 = IPNetwork.Parse("2000::/3");

    private static readonly IPNetwork[] NotPublic6 =
    [
        IPNetwork.Parse("2001::/23"), // protocol assignments, Teredo
        IPNetwork.Parse("2001:db8::/32"),
        IPNetwork.Parse("2002::/16"), // 6to4 contains an IPv4 address
        IPNetwork.Parse("3fff::/20"),
    ];

    // The network translates these to the IPv4 address in the last four bytes (RFC 6052).
    private static readonly IPNetwork Nat64 = IPNetwork.Parse("64:ff9b::/96");

    /// <summary>Allows only public addresses.</summary>
    public static readonly NetworkPolicy PublicOnly = new(new());

    private readonly IPNetwork[] _allowed;

    /// <summary>Throws <see cref="FormatException"/> for an invalid range; see <see cref="TryParse"/>.</summary>
    public NetworkPolicy(NetworkOptions options) =>
        _allowed = [
            .. options.Allowed.Select(range =>
                TryParse(range, out var network) ? network : throw new FormatException($"'{range}' is not a CIDR range.")
            ),
        ];

    /// <summary>
    /// Parses a CIDR range or a single address. Bits below the prefix are ignored. A range of IPv4-mapped addresses becomes the IPv4 range
    /// that
    /// it stands for.
    /// </summary>
    public static bool TryParse([NotNullWhen(true)] string? range, out IPNetwork network)
    {
        const int MappedPrefix = 96;
        if (!IPNetwork.TryParse(range, out network))
        {
            if (!IPAddress.TryParse(range, out var single))
                return false;
            network = new(single, single.AddressFamily == AddressFamily.InterNetwork ? 32 : 128);
        }

        if (network.BaseAddress.IsIPv4MappedToIPv6 && network.PrefixLength >= MappedPrefix)
            network = new(network.BaseAddress.MapToIPv4(), network.PrefixLength - MappedPrefix);
        return true;
    }

    /// <summary>Whether a connection may go to this address.</summary>
    public bool Allows(IPAddress address)
    {
        // A configured range may contain either form of a mapped address, so both are checked; whether it is public is judged by the real
        // address.
        var real = Real(address);
        return _allowed.Any(range => range.Contains(address) || range.Contains(real)) || IsPublic(real);
    }

    private static bool IsPublic(IPAddress address) =>
        address.AddressFamily switch
        {
            AddressFamily.InterNetwork => !NotPublic4.Any(range => range.Contains(address)),
            AddressFamily.InterNetworkV6 => Global6.Contains(address) && !NotPublic6.Any(range => range.Contains(address)),
            _ => false,
        };

    private static IPAddress Real(IPAddress address)
    {
        if (address.AddressFamily != AddressFamily.InterNetworkV6)
            return address;
        if (address.IsIPv4MappedToIPv6)
            return address.MapToIPv4();
        // A zone (scope id) does not change what the address is, but would keep it from matching any range.
        var plain = address.ScopeId == 0 ? address : new IPAddress(address.GetAddressBytes());
        return Nat64.Contains(plain) ? new IPAddress(plain.GetAddressBytes().AsSpan(12)) : plain;
    }
}
