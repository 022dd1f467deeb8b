using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace MailProxy.Daemon.Cli.Doctor;

/// <summary>Looks at the certificate of an SMTP server; nothing is sent but EHLO and STARTTLS (RFC 3207).</summary>
internal static class Certificates
{
    private const int LongestReply = 64 << 10;

    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(10);

    /// <summary>The server's own certificate, whether it is valid or not.</summary>
    /// <exception cref="IOException">The server says something else, or nothing.</exception>
    public static async Task<X509Certificate2> OfAsync(string host, int port, bool isImplicit, TimeProvider clock, CancellationToken stop)
    {
        using var late = new CancellationTokenSource(Longest, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, late.Token);
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(host.Trim('[', ']'), port, either.Token);
            var stream = client.GetStream();
            if (!isImplicit)
                await BeginTlsAsync(stream, either.Token);

            // Looked at, not relied on: the daemon's own test says whether it is accepted.
            await using var tls = new SslStream(stream, leaveInnerStreamOpen: false, static (_, _, _, _) => true);
            await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = host }, either.Token);
            return tls.RemoteCertificate is { } seen
                ? X509CertificateLoader.LoadCertificate(seen.GetRawCertData())
                : throw new IOException("the server shows no certificate");
        }
        catch (OperationCanceledException error) when (late.IsCancellationRequested && !stop.IsCancellationRequested)
        {
            throw new IOException($"no answer within {Longest.TotalSeconds:0} s", error);
        }
        catch (Exception error) when (error is SocketException or System.Security.Authentication.AuthenticationException)
        {
            throw new IOException(Hosting.OneLine.Of(error).TrimEnd('.'), error);
        }
    }

    private static async Task BeginTlsAsync(NetworkStream stream, CancellationToken stop)
    {
        await ExpectAsync(stream, "220", stop);
        await stream.WriteAsync("EHLO localhost\r\n"u8.ToArray(), stop);
        await ExpectAsync(stream, "250", stop);
        await stream.WriteAsync("STARTTLS\r\n"u8.ToArray(), stop);
        await ExpectAsync(stream, "220", stop);
    }

    // Byte by byte, so that nothing of the handshake is read.
    private static async Task ExpectAsync(NetworkStream stream, string code, CancellationToken stop)
    {
        var line = new StringBuilder();
        var one = new byte[1];
        for (var read = 0; read < LongestReply; read++)
        {
            if (await stream.ReadAsync(one, stop) == 0)
                throw new IOException("the server closed the connection");
            if (one[0] != '\n')
            {
                line.Append((char)one[0]);
                continue;
            }

            var text = line.ToString().TrimEnd('\r');
            if (!text.StartsWith(code, StringComparison.Ordinal))
                throw new IOException($"the server said: {Hosting.OneLine.Quote(text)}");
            if (text.Length <= code.Length || text[code.Length] != '-')
                return;
            line.Clear();
        }

        throw new IOException("the server's reply has no end");
    }
}
