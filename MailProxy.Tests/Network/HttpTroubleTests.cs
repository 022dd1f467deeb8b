using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MailProxy.Pipeline.Network;
using NUnit.Framework;

namespace MailProxy.Tests.Network;

public sealed class HttpTroubleTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);
    private static readonly Uri Hook = new("https://hook.example/path?token=geheim");

    private static readonly object[][] Known =
    [
        [
            new HttpRequestException(
                "An error occurred while sending the request.",
                new SocketException((int)SocketError.ConnectionRefused)
            ),
            "connection refused by hook.example:443",
        ],
        [
            new HttpRequestException("x", new IOException("y", new SocketException((int)SocketError.ConnectionReset))),
            "the connection was closed by hook.example:443",
        ],
        [
            new HttpRequestException("x", new SocketException((int)SocketError.NetworkUnreachable)),
            "hook.example:443 cannot be reached from here",
        ],
        [
            new HttpRequestException("x", new SocketException((int)SocketError.TimedOut)),
            "hook.example:443 did not answer: no connection in time",
        ],
        [new HttpRequestException(HttpRequestError.InvalidResponse, "x"), "what hook.example:443 answered is not HTTP"],
        [new HttpRequestException(HttpRequestError.ResponseEnded, "x"), "hook.example:443 closed the connection before it had answered"],
        [
            new HttpRequestException(
                "x",
                new AuthenticationException("Cannot determine the frame size or a corrupted frame was received.")
            ),
            "what hook.example:443 answered is not TLS: it may want http instead of https",
        ],
        [
            new HttpRequestException("x", new AuthenticationException("y", new IOException("the peer's handshake failed"))),
            "TLS with hook.example:443 failed: the peer's handshake failed",
        ],
        [new IOException("x"), "the connection to hook.example:443 failed"],
        [new InvalidOperationException("x"), "the request could not be made"],
        [new UriFormatException("x"), "its address cannot be requested; set it again"],
        [new OutOfMemoryException(), "the request could not be made"],
    ];

    [TestCaseSource(nameof(Known))]
    public void Explain_Known_NamesHostAndReasonAndNoSecret(Exception trouble, string expected)
    {
        Assert.That(HttpTrouble.Explain(trouble, Hook), Is.EqualTo(expected));
        Assert.That(
            HttpTrouble.Sentence(trouble, Hook),
            Does.EndWith(".").And.Not.Contain("geheim").And.Not.Contain("see inner exception")
        );
    }

    [TestCase(-400, -10, "localhost", "the certificate of localhost expired on {0:yyyy-MM-dd}")]
    [TestCase(10, 400, "localhost", "the certificate of localhost is not valid before {1:yyyy-MM-dd}")]
    [TestCase(-10, 400, "other.example", "the certificate of localhost is for another name")]
    [TestCase(-10, 400, "localhost", "the certificate of localhost is not signed by an authority that this machine trusts")]
    public async Task Https_CertificateThatIsNotGood_IsExplained(int from, int to, string name, string expected)
    {
        var (begins, ends) = (TimeProvider.System.GetUtcNow().AddDays(from), TimeProvider.System.GetUtcNow().AddDays(to));
        using var certificate = Certificate(name, begins, ends);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var serving = ServeAsync(listener, certificate);
        using var http = new Dialer(
            new(new() { Allowed = ["127.0.0.1", "::1"] }),
            (_, _) => Task.FromResult<IPAddress[]>([IPAddress.Loopback])
        ).HttpClient();
        var address = new Uri($"https://localhost:{((IPEndPoint)listener.LocalEndpoint).Port}/");
        using var request = new HttpRequestMessage(HttpMethod.Get, address);

        var fault = Assert.CatchAsync(() => http.SendAsync(request, CancellationToken.None).WaitAsync(Deadline))!;
        await serving.WaitAsync(Deadline);

        Assert.That(
            HttpTrouble.Explain(fault, address),
            Is.EqualTo(string.Format(System.Globalization.CultureInfo.InvariantCulture, expected, ends, begins))
        );
    }

    private static async Task ServeAsync(TcpListener listener, X509Certificate2 certificate)
    {
        using var client = await listener.AcceptTcpClientAsync();
        await using var tls = new SslStream(client.GetStream());
        try
        {
            await tls.AuthenticateAsServerAsync(certificate);
            _ = await tls.ReadAsync(new byte[1]);
        }
        catch (Exception error) when (error is IOException or AuthenticationException)
        {
            // That is what the client is to do.
        }
    }

    private static X509Certificate2 Certificate(string name, DateTimeOffset from, DateTimeOffset to)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        var request = new CertificateRequest("CN=x", key, HashAlgorithmName.SHA256) { CertificateExtensions = { names.Build() } };
        using var made = request.CreateSelfSigned(from, to);
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
    }
}
