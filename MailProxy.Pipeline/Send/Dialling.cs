using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Text;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Network;

namespace MailProxy.Pipeline.Send;

/// <summary>The beginning of a connection: where the server is, TCP, and our own name.</summary>
internal static class Dialling
{
    private const int TcpUserTimeout = 18; // TCP_USER_TIMEOUT of tcp(7)

    /// <summary>Where an account's server is.</summary>
    /// <exception cref="SmtpOpenException">The sandbox does not listen (yet).</exception>
    public static EndPoint ServerOf(SmtpAccount account, AccountDirectory directory, NetworkPolicy policy)
    {
        if (account.Sandbox)
        {
            return directory.Sandbox ?? throw new SmtpOpenException(SmtpPhase.Connect, null, false, "The sandbox is not listening.");
        }

        if (account.ByTenant)
            return new CheckedEndPoint(account.Host!, account.Port, policy);
        return IPAddress.TryParse(account.Host!, out var ip)
            ? new IPEndPoint(ip, account.Port)
            : new DnsEndPoint(account.Host!, account.Port);
    }

    /// <summary>Tries each address of the server in turn.</summary>
    /// <param name="transcript">Is told of each; null: nobody is.</param>
    public static async Task<Socket> ConnectAsync(EndPoint server, PhaseClock clock, Transcript? transcript = null)
    {
        clock.Enter(SmtpPhase.Connect);

        // The system's resolver cannot be interrupted: it is left to itself when the time is over.
        var (addresses, port) = server switch
        {
            IPEndPoint ip => ([ip.Address], ip.Port),
            CheckedEndPoint named => (await named.AddressesAsync(clock.Token).WaitAsync(clock.Token), named.Port),
            DnsEndPoint name => (await NameLookup.AddressesAsync(name.Host, clock.Token), name.Port),
            _ => throw new ArgumentException("Not a kind of end point that is known here.", nameof(server)),
        };

        Exception? last = null;
        foreach (var address in addresses)
        {
            clock.Enter(SmtpPhase.Connect);
            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                NoticeSilence(socket, clock.Unacknowledged);
                transcript?.Note($"Connecting to {new IPEndPoint(address, port)}.");
                await socket.ConnectAsync(address, port, clock.Token);
                return socket;
            }
            catch (Exception error)
            {
                socket.Dispose();
                transcript?.Note($"No connection: {error.Message}");
                last = error;
                if (error is not SocketException)
                    throw;
            }
        }

        throw last ?? new SocketException((int)SocketError.HostNotFound);
    }

    /// <summary>Where a connection leads.</summary>
    public static string? AddressOf(Socket socket) => socket.RemoteEndPoint?.ToString();

    // What is sent and never acknowledged ends the connection (RFC 5482): a path that swallows packets is noticed long before the phases'
    // time is over. Nothing is noticed while only a reply is waited for.
    private static void NoticeSilence(Socket socket, TimeSpan unacknowledged)
    {
        if (!OperatingSystem.IsLinux())
            return;
        Span<byte> milliseconds = stackalloc byte[sizeof(int)];
        BitConverter.TryWriteBytes(milliseconds, (int)unacknowledged.TotalMilliseconds);
        socket.SetRawSocketOption((int)SocketOptionLevel.Tcp, TcpUserTimeout, milliseconds);
    }

    /// <summary>The name after EHLO: as configured, else this machine's full name, else the address that the server sees (RFC 5321
    /// section 4.1.3).</summary>
    public static string HelloName(SendOptions options, Socket socket)
    {
        if (options.HelloName is { } configured)
            return configured;
        var network = IPGlobalProperties.GetIPGlobalProperties();
        if (network.DomainName is { Length: > 0 } domain && Ascii.IsValid(network.HostName))
            return $"{network.HostName}.{domain}";
        var address = (socket.LocalEndPoint as IPEndPoint)?.Address ?? IPAddress.Loopback;
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        return address.AddressFamily == AddressFamily.InterNetworkV6 ? $"[IPv6:{address}]" : $"[{address}]";
    }
}
