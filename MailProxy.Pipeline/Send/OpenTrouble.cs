using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using MailProxy.Pipeline.Network;

namespace MailProxy.Pipeline.Send;

/// <summary>What kept a conversation from coming about, in terms of SMTP, and in words that name the server and, where one is known, the
/// remedy. Pure; by type and phase, never by a message's words.</summary>
internal static class OpenTrouble
{
    public static SmtpOpenException Explain(Exception trouble, SmtpPhase phase, bool timedOut, ServerName server)
    {
        if (trouble is SmtpOpenException told)
            return told;
        if (timedOut)
            return new(phase, null, true, server.TookTooLong(phase), trouble);
        return trouble switch
        {
            AddressRefusedException => new(phase, null, false, trouble.Message, trouble),
            CertificateException { Errors: var errors } => new(
                SmtpPhase.Handshake,
                null,
                false,
                $"The certificate of {server} {Words(errors)}.",
                trouble
            ),

            // Without an inner exception it is the stream itself that makes no sense of what came; TLS' own alerts have one.
            AuthenticationException { InnerException: null } => new(SmtpPhase.Handshake, null, false, server.SpeaksNoTls(), trouble),
            AuthenticationException => new(
                SmtpPhase.Handshake,
                null,
                false,
                $"The TLS handshake with {server} failed: {trouble.InnerException!.Message}",
                trouble
            ),
            SocketException
            {
                SocketErrorCode: SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain or SocketError.NoRecovery
            } => new(phase, null, false, $"The host of {server} was not found: {trouble.Message}", trouble),
            _ when phase == SmtpPhase.Connect => new(phase, null, false, $"No connection to {server}: {trouble.Message}", trouble),
            IOException when phase == SmtpPhase.Handshake => new(
                phase,
                null,
                false,
                $"The TLS handshake with {server} failed: {trouble.Message}{server.Hint(phase)}",
                trouble
            ),
            SmtpGarbageException when phase == SmtpPhase.Authenticate => new(
                phase,
                null,
                false,
                $"The log-in at {server} went wrong: {trouble.Message}",
                trouble
            ),
            SmtpGarbageException => new(
                phase,
                null,
                false,
                $"The server {server} does not speak SMTP ({phase}): {trouble.Message}",
                trouble
            ),
            _ => new(phase, null, false, server.Lost(phase, trouble.Message), trouble),
        };
    }

    private static string Words(SslPolicyErrors errors)
    {
        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateNotAvailable))
            return "is missing";
        var name = errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch);
        var chain = errors.HasFlag(SslPolicyErrors.RemoteCertificateChainErrors);
        return (name, chain) switch
        {
            (true, true) => "is for another name, and not by an authority that this machine trusts",
            (true, false) => "is for another name",
            _ => "is not by an authority that this machine trusts, or has expired",
        };
    }
}
