using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Network;

namespace MailProxy.Pipeline.Send;

/// <summary>The server's certificate does not prove who it is.</summary>
internal sealed class CertificateException(SslPolicyErrors errors, Exception inner) : Exception("The certificate is not trusted.", inner)
{
    public SslPolicyErrors Errors { get; } = errors;
}

/// <summary>TLS with a server.</summary>
internal static class SmtpTls
{
    /// <exception cref="CertificateException">Who the server is was not proven.</exception>
    public static async Task<SslStream> HandshakeAsync(Stream plain, SmtpAccount account, SendOptions options, PhaseClock clock)
    {
        var errors = SslPolicyErrors.None;
        var tls = new SslStream(plain, leaveInnerStreamOpen: false);
        try
        {
            await tls.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = HostName.OnTheWire(account.Host!),
                    CertificateRevocationCheckMode =
                        options.CheckRevocation && account.VerifyCertificate ? X509RevocationMode.Online : X509RevocationMode.NoCheck,
                    RemoteCertificateValidationCallback = (_, _, _, found) =>
                    {
                        errors = found;
                        return !account.VerifyCertificate || found == SslPolicyErrors.None;
                    },
                },
                clock.Token
            );
            return tls;
        }
        catch (AuthenticationException error) when (account.VerifyCertificate && errors != SslPolicyErrors.None)
        {
            await tls.DisposeAsync();
            throw new CertificateException(errors, error);
        }
        catch
        {
            await tls.DisposeAsync();
            throw;
        }
    }

    /// <summary>The TLS version in words, or null.</summary>
    public static string? VersionOf(SslStream? tls) =>
        tls?.SslProtocol switch
        {
            null => null,
            SslProtocols.Tls12 => "TLS 1.2",
            SslProtocols.Tls13 => "TLS 1.3",
            var other => other.ToString(),
        };
}
