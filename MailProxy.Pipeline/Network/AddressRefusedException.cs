using System.Net;

namespace MailProxy.Pipeline.Network;

/// <summary>
/// The host's addresses are not public and not in <c>Network:Allowed</c>, or its name is not known. The text names the host only, never
/// what its name led to; and it is
/// the same for a name that leads inside and one that leads nowhere, so that nobody learns from it which names there are inside.
/// </summary>
public sealed class AddressRefusedException(string host, Exception? inner = null) : Exception(Text(host), inner)
{
    /// <summary>It is refused for what is written, and no look-up will change that: an address, or a name of this machine.</summary>
    public bool ForGood { get; } = IsPlainlyInside(host);

    private static string Text(string host) =>
        IPAddress.TryParse(host, out _)
            ? $"Connections to '{host}' are not allowed: it is not a public address, and Network:Allowed does not name it."
            : $"Connections to '{host}' are not allowed: the name is not known here, or leads to no public address and to none "
                + "that Network:Allowed names.";

    // RFC 6761 6.3, and what Debian's /etc/hosts adds: everybody knows where these lead.
    private static bool IsPlainlyInside(string host)
    {
        var name = host.TrimEnd('.');
        return IPAddress.TryParse(host, out _)
            || name.Equals("localhost", StringComparison.OrdinalIgnoreCase)
            || name.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase)
            || name.Equals("ip6-localhost", StringComparison.OrdinalIgnoreCase)
            || name.Equals("ip6-loopback", StringComparison.OrdinalIgnoreCase);
    }
}
