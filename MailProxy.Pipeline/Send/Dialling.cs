using System.Net;
using System.Net.NetworkInformation;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using MailKit.Net.Smtp;
using MailKit.Security;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Network;

namespace MailProxy.Pipeline.Send;

/// <summary>The beginning of a conversation: TCP, TLS, and then MailKit's greeting, EHLO and login.</summary>
internal static class Dialling
{
    /// <summary>Where an account's server is.</summary>
    /// <exception cref="SmtpOpenException">The sandbox does not listen (yet).</exception>
    public static EndPoint ServerOf(SmtpAccount account, AccountDirectory directory, NetworkPolicy policy)
    {
        if (account.Sandbox) return directory.Sandbox ?? throw new SmtpOpenException(SmtpPhase.Connect, null, false, "The sandbox is not listening.");
        if (account.ByTenant) return new CheckedEndPoint(account.Host!, account.Port, policy);
        return IPAddress.TryParse(account.Host!, out var ip) ? new IPEndPoint(ip, account.Port) : new DnsEndPoint(account.Host!, account.Port);
    }

    /// <summary>Tries each address of the server in turn.</summary>
    public static async Task<Socket> ConnectAsync(EndPoint server, PhaseClock clock)
    {
        clock.Enter(SmtpPhase.Connect);
        var (addresses, port) = server switch
        {
            IPEndPoint ip => ([ip.Address], ip.Port),
            CheckedEndPoint named => (await named.AddressesAsync(clock.Token), named.Port),
            DnsEndPoint name => (await Dns.GetHostAddressesAsync(name.Host, clock.Token), name.Port),
            _ => throw new ArgumentException("Not a kind of end point that is known here.", nameof(server)),
        };

        Exception? last = null;
        foreach (var address in addresses)
        {
            clock.Enter(SmtpPhase.Connect);
            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(address, port, clock.Token);
                return socket;
            }
            catch (Exception trouble)
            {
                socket.Dispose();
                last = trouble;
                if (trouble is not SocketException) throw;
            }
        }

        throw last ?? new SocketException((int)SocketError.HostNotFound);
    }

    /// <summary>The name after EHLO: as configured, else this machine's full name, else the address that the server sees (RFC 5321 section 4.1.3).</summary>
    public static string HelloName(SendOptions options, Socket socket)
    {
        if (options.HelloName is { } configured) return configured;
        var network = IPGlobalProperties.GetIPGlobalProperties();
        if (network.DomainName is { Length: > 0 } domain && Ascii.IsValid(network.HostName)) return $"{network.HostName}.{domain}";
        var address = (socket.LocalEndPoint as IPEndPoint)?.Address ?? IPAddress.Loopback;
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        return address.AddressFamily == AddressFamily.InterNetworkV6 ? $"[IPv6:{address}]" : $"[{address}]";
    }

    /// <summary>Greeting, EHLO, login. What the server offers is in the client's capabilities afterwards.</summary>
    public static async Task GreetAsync(SmtpClient client, Stream stream, SmtpAccount account, string hello, PhaseClock clock)
    {
        client.LocalDomain = hello;
        clock.Enter(SmtpPhase.Greeting);
        await client.ConnectAsync(stream, account.Sandbox ? "localhost" : account.Host!, account.Port, SecureSocketOptions.None, clock.Token);
        if (account is not { Sandbox: false, User: { } user, Password: { } password }) return;

        clock.Enter(SmtpPhase.Authenticate);
        await client.AuthenticateAsync(Encoding.UTF8, user, password, clock.Token);
    }

    /// <summary>What went wrong, in terms of SMTP.</summary>
    /// <param name="helloRefused">What the server said to EHLO, when that was no.</param>
    public static SmtpOpenException Explain(Exception trouble, SmtpPhase phase, bool timedOut, SmtpReply? helloRefused)
    {
        if (trouble is SmtpOpenException told) return told;
        if (timedOut) return new(phase, null, true, $"The server took too long ({phase}).", trouble);
        var command = trouble as SmtpCommandException ?? trouble.InnerException as SmtpCommandException;
        var reply = command is null ? helloRefused : SmtpReply.Of((int)command.StatusCode, command.Message);
        return trouble is System.Security.Authentication.AuthenticationException || (phase == SmtpPhase.Handshake && trouble is IOException)
            ? new(SmtpPhase.Handshake, null, false, $"The TLS handshake failed: {(trouble.InnerException ?? trouble).Message}", trouble)
            : new(phase, reply, false, reply?.Text ?? trouble.Message, trouble);
    }

    /// <summary>The TLS version in words, or null.</summary>
    public static string? TlsOf(SslStream? tls) => tls?.SslProtocol switch
    {
        null => null,
        SslProtocols.Tls12 => "TLS 1.2",
        SslProtocols.Tls13 => "TLS 1.3",
        var other => other.ToString(),
    };
}
