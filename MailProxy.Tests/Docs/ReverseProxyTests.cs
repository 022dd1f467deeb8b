using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;
using MailProxy.Pipeline.Intake;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Docs;

[TestFixture]
internal sealed partial class ReverseProxyTests
{
    [Test]
    public async Task Nginx_TakesTheExample()
    {
        using var directory = new TempDirectory();
        using var key = RSA.Create(2048);
        using var certificate = new CertificateRequest(
            "CN=mail.example.com",
            key,
            HashAlgorithmName.SHA256,
            RSASignaturePadding.Pkcs1
        ).CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(100));
        await File.WriteAllTextAsync(Path.Combine(directory, "mail.example.com.pem"), certificate.ExportCertificatePem());
        await File.WriteAllTextAsync(Path.Combine(directory, "mail.example.com.key"), key.ExportPkcs8PrivateKeyPem());
        var server = Example().Match(Text).Groups[1].Value.Replace("/etc/ssl/", directory.Path + "/", StringComparison.Ordinal);
        await File.WriteAllTextAsync(Path.Combine(directory, "nginx.conf"), $"pid nginx.pid;\nevents {{}}\nhttp {{\n{server}\n}}\n");

        var (exitCode, output) = await Run.AsIsAsync("nginx", "-t", "-p", directory, "-e", "error.log", "-c", "nginx.conf");
        Assert.That(exitCode, Is.Zero, output);
    }

    [Test]
    public void Example_LetsThroughWhatTheDaemonTakes() =>
        Assert.That(Text, Does.Contain($"client_max_body_size {new IngestOptions().MaxRequestBytes >> 20}m;"));

    private static string Text => File.ReadAllText(Repository.File("docs/operate/reverse-proxy.md"));

    [GeneratedRegex(@"```nginx\n(.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Example();
}
