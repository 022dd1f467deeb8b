using System.Net;

namespace MailProxy.Pipeline.Network;

/// <summary>
/// The host's addresses are neither public nor in <c>Network:Allowed</c>, or its name is unknown. The text names only the host, never the
/// addresses behind it. It is the same for a name of the internal network and for a name that does not exist, so that nobody can find out
/// which internal names exist.
/// </summary>
public sealed class AddressRefusedException(string host, Exception? inner = null) : Exception(Text(host), inner)
{
    /// <summary>Whether the refusal is permanent, because of the host as written (an address, or a name of this machine), not of a
    /// look-up.</summary>
    public bool ForGood { get; } = IsPlainlyInside(host);

    private static string Text(string host) =>
        IPAddress.TryParse(host, out _)
            ? $"Connections to '{host}' are not allowed: it is not a public address, and Network:Allowed does not name it."
            : $"Connections to '{host}' are not allowed: the name is not known here, or leads to no public address and to none "
                + "that Network:Allowed names.";

    // RFC 6761 6.3, and what Debian adds to /etc/hosts: these names are known to mean this machine.
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
