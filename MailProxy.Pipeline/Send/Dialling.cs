using System.Net;
using System.Net.Sockets;
using System.Text;
using MailKit.Net.Smtp;
using MailKit.Security;
using MailProxy.Pipeline.Accounts;

namespace MailProxy.Pipeline.Send;

/// <summary>The beginning and the end of a conversation: TCP, TLS, greeting, EHLO, login; QUIT.</summary>
internal static class Dialling
{
    /// <summary>Where an account's server is.</summary>
    /// <exception cref="SmtpOpenException">The sandbox does not listen (yet).</exception>
    public static EndPoint ServerOf(SmtpAccount account, AccountDirectory directory)
    {
        if (account.Sandbox) return directory.Sandbox ?? throw new SmtpOpenException(SmtpPhase.Connect, null, false, "The sandbox is not listening.");
        return IPAddress.TryParse(account.Host!, out var ip) ? new IPEndPoint(ip, account.Port) : new DnsEndPoint(account.Host!, account.Port);
    }

    /// <summary>Tries each address of the server in turn.</summary>
    public static async Task<Socket> ConnectAsync(EndPoint server, PhaseClock clock)
    {
        clock.Enter(SmtpPhase.Connect);
        var (addresses, port) = server switch
        {
            IPEndPoint ip => ([ip.Address], ip.Port),
            DnsEndPoint name => (await Dns.GetHostAddressesAsync(name.Host, clock.Token), name.Port),
            _ => throw new ArgumentException("Not an IP or DNS end point.", nameof(server)),
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

    /// <summary>Greeting, EHLO, TLS as the account asks, login.</summary>
    public static async Task GreetAsync(TransactionClient client, Socket socket, SmtpAccount account, SendOptions options, PhaseClock clock)
    {
        client.LocalDomain = options.HelloName;
        client.CheckCertificateRevocation = options.CheckRevocation && account.VerifyCertificate;
        if (!account.VerifyCertificate) client.ServerCertificateValidationCallback = static (_, _, _, _) => true;

        // Implicit TLS begins before the first word; STARTTLS is part of the conversation and the clock sees it.
        if (account is { Sandbox: false, Security: SmtpSecurity.Tls }) clock.Enter(SmtpPhase.Handshake);
        var security = account.Sandbox ? SecureSocketOptions.None : account.Security switch
        {
            SmtpSecurity.None => SecureSocketOptions.None,
            SmtpSecurity.StartTls => SecureSocketOptions.StartTls,
            SmtpSecurity.Tls => SecureSocketOptions.SslOnConnect,
            SmtpSecurity.StartTlsWhenAvailable => SecureSocketOptions.StartTlsWhenAvailable,
            _ => throw new ArgumentOutOfRangeException(nameof(account), account.Security, null),
        };
        await client.ConnectAsync(socket, account.Sandbox ? "localhost" : account.Host!, account.Port, security, clock.Token);

        if (account is { Sandbox: false, User: { } user, Password: { } password })
        {
            clock.Enter(SmtpPhase.Authenticate);
            await client.AuthenticateAsync(Encoding.UTF8, user, password, clock.Token);
        }
    }

    public static async Task QuitAsync(TransactionClient client, PhaseClock clock)
    {
        clock.EnterFarewell();
        try
        {
            await client.DisconnectAsync(quit: true, clock.Token);
        }
        catch (Exception)
        {
            // A server that answers QUIT badly loses nothing of ours.
        }
    }

    /// <summary>What went wrong, in terms of SMTP.</summary>
    public static SmtpOpenException Explain(Exception trouble, SmtpPhase phase, bool timedOut)
    {
        var command = trouble as SmtpCommandException ?? trouble.InnerException as SmtpCommandException;
        var reply = command is null ? null : SmtpReply.Of((int)command.StatusCode, command.Message);
        if (timedOut) return new(phase, null, true, $"The server took too long ({phase}).", trouble);
        return trouble switch
        {
            SslHandshakeException => new(SmtpPhase.Handshake, null, false, $"The TLS handshake failed: {(trouble.InnerException ?? trouble).Message}", trouble),
            NotSupportedException when phase == SmtpPhase.Hello => new(SmtpPhase.StartTls, null, false, trouble.Message, trouble),
            _ => new(phase, reply, false, reply?.Text ?? trouble.Message, trouble),
        };
    }
}
