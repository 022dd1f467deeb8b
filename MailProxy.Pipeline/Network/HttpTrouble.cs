using System.Net.Sockets;
using System.Security.Authentication;

namespace MailProxy.Pipeline.Network;

/// <summary>Describes why a request failed, so that an operator can act: the innermost cause, and the server. Pure.</summary>
public static class HttpTrouble
{
    private const int LongestReason = 300;

    /// <summary>A clause without a capital letter and without a full stop, to be put after a colon.</summary>
    /// <param name="address">The address that was requested; null when it is unknown.</param>
    public static string Explain(Exception trouble, Uri? address)
    {
        var host = address is null ? "the server" : HttpAddress.HostAndPort(address);
        foreach (var cause in Causes(trouble))
        {
            if (Known(cause, host) is { } known)
                return known;
        }

        return trouble switch
        {
            HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } =>
                $"no secure connection to {host} could be made",
            HttpRequestException { HttpRequestError: HttpRequestError.InvalidResponse } => $"what {host} answered is not HTTP",
            HttpRequestException { HttpRequestError: HttpRequestError.ResponseEnded } =>
                $"{host} closed the connection before it had answered",
            HttpRequestException { HttpRequestError: HttpRequestError.ConfigurationLimitExceeded } => "the answer's headers are too large",
            HttpRequestException or IOException => $"the connection to {host} failed",
            UriFormatException => "its address cannot be requested; set it again",
            _ => "the request could not be made",
        };
    }

    /// <summary>The same as a sentence.</summary>
    public static string Sentence(Exception trouble, Uri? address)
    {
        var text = Explain(trouble, address);
        return char.ToUpperInvariant(text[0]) + text[1..] + (text[^1] == '.' ? "" : ".");
    }

    /// <summary>The refusal of the network policy, or of an unknown name, that caused the error; null when it had another cause.</summary>
    public static AddressRefusedException? Refusal(Exception trouble) => Causes(trouble).OfType<AddressRefusedException>().FirstOrDefault();

    private static IEnumerable<Exception> Causes(Exception trouble)
    {
        for (var cause = trouble; cause is not null; cause = cause.InnerException)
            yield return cause;
    }

    private static string? Known(Exception cause, string host) =>
        cause switch
        {
            AddressRefusedException refused => refused.Message.TrimEnd('.'),
            CertificateRefusedException refused => refused.Message,
            SenselessAnswerException senseless => senseless.Message,
            SocketException socket => socket.SocketErrorCode switch
            {
                SocketError.ConnectionRefused => $"connection refused by {host}",
                SocketError.HostUnreachable or SocketError.NetworkUnreachable or SocketError.HostDown or SocketError.NetworkDown =>
                    $"{host} cannot be reached from here",
                SocketError.TimedOut => $"{host} did not answer: no connection in time",
                SocketError.ConnectionReset or SocketError.ConnectionAborted or SocketError.Shutdown =>
                    $"the connection was closed by {host}",
                SocketError.TooManyOpenSockets => "this machine has no more connections to give",
                var other => $"no connection to {host} ({other})",
            },
            AuthenticationException { InnerException: null } => $"what {host} answered is not TLS: it may want http instead of https",
            AuthenticationException tls => $"TLS with {host} failed: {Short(tls.InnerException?.Message ?? tls.Message)}",
            _ => null,
        };

    private static string Short(string reason)
    {
        var line = reason.ReplaceLineEndings(" ").TrimEnd('.', ' ');
        return line.Length > LongestReason ? line[..LongestReason] : line;
    }
}
