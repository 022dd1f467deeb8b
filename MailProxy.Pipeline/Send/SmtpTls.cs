using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using MailProxy.Pipeline.Accounts;

namespace MailProxy.Pipeline.Send;

/// <summary>Protects a fresh connection as the account asks: TLS at once (RFC 8314), STARTTLS (RFC 3207), or not.</summary>
internal static class SmtpTls
{
    /// <summary>The stream to speak SMTP on, from the greeting on.</summary>
    public static async Task<Stream> ProtectAsync(Socket socket, SmtpAccount account, SendOptions options, string hello, PhaseClock clock)
    {
        var plain = new NetworkStream(socket, ownsSocket: false);
        switch (account.Sandbox ? SmtpSecurity.None : account.Security)
        {
            case SmtpSecurity.None:
                return plain;
            case SmtpSecurity.Tls:
                return await HandshakeAsync(plain, account, options, clock);
            case SmtpSecurity.StartTls or SmtpSecurity.StartTlsWhenAvailable:
                return await StartTlsAsync(plain, account, options, hello, clock);
            default:
                throw new ArgumentOutOfRangeException(nameof(account), account.Security, null);
        }
    }

    private static async Task<Stream> StartTlsAsync(Stream plain, SmtpAccount account, SendOptions options, string hello, PhaseClock clock)
    {
        var replies = new ReplyReader(plain);
        clock.Enter(SmtpPhase.Greeting);
        Demand(await replies.ReadAsync(clock.Token), 220, SmtpPhase.Greeting);

        clock.Enter(SmtpPhase.Hello);
        var offers = new List<string>();
        await plain.WriteAsync(Encoding.ASCII.GetBytes($"EHLO {hello}\r\n"), clock.Token);
        Demand(await replies.ReadAsync(clock.Token, offers), 250, SmtpPhase.Hello);

        if (!offers.Exists(static offer => offer.Equals("STARTTLS", StringComparison.OrdinalIgnoreCase)))
        {
            if (account.Security == SmtpSecurity.StartTlsWhenAvailable) return new GreetedStream(plain);
            throw new SmtpOpenException(SmtpPhase.StartTls, null, false, "The server does not offer STARTTLS, and the account demands it.");
        }

        clock.Enter(SmtpPhase.StartTls);
        await plain.WriteAsync("STARTTLS\r\n"u8.ToArray(), clock.Token);
        Demand(await replies.ReadAsync(clock.Token), 220, SmtpPhase.StartTls);
        if (replies.HasLeftovers) throw new SmtpGarbageException("The server sent more after it had agreed to STARTTLS; it could be somebody else's words.");
        return new GreetedStream(await HandshakeAsync(plain, account, options, clock));
    }

    private static async Task<SslStream> HandshakeAsync(Stream plain, SmtpAccount account, SendOptions options, PhaseClock clock)
    {
        clock.Enter(SmtpPhase.Handshake);
        var tls = new SslStream(plain, leaveInnerStreamOpen: false);
        try
        {
            await tls.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = account.Host!,
                    CertificateRevocationCheckMode = options.CheckRevocation && account.VerifyCertificate ? X509RevocationMode.Online : X509RevocationMode.NoCheck,
                    RemoteCertificateValidationCallback = account.VerifyCertificate ? null : static (_, _, _, _) => true,
                },
                clock.Token);
            return tls;
        }
        catch
        {
            await tls.DisposeAsync();
            throw;
        }
    }

    private static void Demand(SmtpReply reply, int code, SmtpPhase phase)
    {
        if (reply.Code != code) throw new SmtpOpenException(phase, reply, false, reply.Text);
    }
}
