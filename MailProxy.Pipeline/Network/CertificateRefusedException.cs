using System.Globalization;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace MailProxy.Pipeline.Network;

/// <summary>A server's certificate is invalid; the message says why, so that an operator can act. It contains no text of the
/// certificate.</summary>
public sealed class CertificateRefusedException(string why) : AuthenticationException(why)
{
    /// <summary>A validation callback: returns true for a valid certificate, and throws the reason instead of returning false.</summary>
    internal static bool Judge(object connection, X509Certificate? shown, X509Chain? chain, SslPolicyErrors errors)
    {
        if (errors == SslPolicyErrors.None)
            return true;
        var host = (connection as SslStream)?.TargetHostName ?? "the server";
        throw new CertificateRefusedException(Why(host, shown as X509Certificate2, chain, errors));
    }

    private static string Why(string host, X509Certificate2? shown, X509Chain? chain, SslPolicyErrors errors)
    {
        if (shown is null)
            return $"{host} showed no certificate";
        var status = (chain?.ChainStatus ?? []).Aggregate(X509ChainStatusFlags.NoError, static (all, one) => all | one.Status);
        if (status.HasFlag(X509ChainStatusFlags.NotTimeValid) && chain is not null)
        {
            var at = chain.ChainPolicy.VerificationTime;
            if (shown.NotAfter < at)
                return $"the certificate of {host} expired on {Day(shown.NotAfter)}";
            if (shown.NotBefore > at)
                return $"the certificate of {host} is not valid before {Day(shown.NotBefore)}";
            return $"a certificate behind that of {host} is not valid now";
        }

        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch))
            return $"the certificate of {host} is for another name";
        if (status.HasFlag(X509ChainStatusFlags.Revoked))
            return $"the certificate of {host} was revoked";
        return (status & (X509ChainStatusFlags.UntrustedRoot | X509ChainStatusFlags.PartialChain)) != 0
            ? $"the certificate of {host} is not signed by an authority that this machine trusts"
            : $"the certificate of {host} is not valid ({status})";
    }

    private static string Day(DateTime time) => time.ToUniversalTime().ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
