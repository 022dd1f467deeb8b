using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;
using MailProxy.Daemon.Cli;
using MailProxy.Daemon.Cli.Apply;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Packaging;

/// <summary>What is shipped beside the program: the manual page, compose and Kubernetes files, nginx's and Prometheus'
/// configuration.</summary>
[TestFixture]
internal sealed class PackagingFilesTests
{
    private static string Text(string path) => File.ReadAllText(Repository.File("packaging/" + path));

    [Test]
    public void ManPage_NamesEveryCommand()
    {
        var page = Text("man/mailproxy.1").Replace("\\-", "-", StringComparison.Ordinal);
        string[] own = ["serve", "demo", "backup", "restore", "import-genro", "migrate-store", "version", "help"];
        foreach (var command in own.Concat(Usage.Others))
            Assert.That(page, Does.Match($@"(?m)^\.BR? .*\b{command}\b"), command);
    }

    [Test]
    public async Task ManPage_Groff_HasNoComplaint()
    {
        var (exitCode, output) = await Run.AsIsAsync("groff", "-man", "-ww", "-z", Repository.File("packaging/man/mailproxy.1"));
        Assert.That((exitCode, output), Is.EqualTo((0, "")));
    }

    [TestCase("oci/compose.yaml")]
    [TestCase("oci/config/prometheus.yml")]
    [TestCase("oci/config/grafana-source.yaml")]
    [TestCase("oci/config/grafana-dashboards.yaml")]
    public void Yaml_Reads(string path) => Assert.That(YamlText.Read(Text(path)), Has.Count.EqualTo(1).And.All.Not.Null);

    [Test]
    public void Compose_MountsOnlyFilesThatAreThere()
    {
        var compose = Text("oci/compose.yaml");
        var mounts = Regex.Matches(compose, @"- (\.\.?/[^:]+):").Select(match => match.Groups[1].Value).ToList();
        Assert.That(mounts, Has.Count.GreaterThan(5));
        foreach (var mount in mounts.Where(mount => !mount.StartsWith("./tls.", StringComparison.Ordinal)))
            Assert.That(Path.Exists(Path.Combine(Repository.File("packaging/oci"), mount)), Is.True, mount);
    }

    [Test]
    public void Kubernetes_ReadsAndAsksForWhatTheDaemonHas()
    {
        var documents = YamlText.Read(Text("kubernetes/mailproxy.yaml"));
        var kinds = documents.Select(document => (string?)document!["kind"]).ToList();
        Assert.That(kinds, Is.EqualTo(new[] { "Secret", "Service", "PodDisruptionBudget", "StatefulSet" }));
        var container = documents[3]!["spec"]!["template"]!["spec"]!["containers"]![0]!;
        Assert.That((bool?)container["securityContext"]!["readOnlyRootFilesystem"], Is.True);
        Assert.That((string?)container["readinessProbe"]!["httpGet"]!["path"], Is.EqualTo("/health/ready"));
        Assert.That((string?)container["livenessProbe"]!["httpGet"]!["path"], Is.EqualTo("/health/live"));
    }

    [Test]
    public async Task Prometheus_Configuration_IsRight()
    {
        using var directory = new TempDirectory();
        File.Copy(Repository.File("packaging/oci/config/prometheus.yml"), Path.Combine(directory, "prometheus.yml"));
        File.Copy(Repository.File("packaging/prometheus/alerts.yaml"), Path.Combine(directory, "alerts.yaml"));
        var (exitCode, output) = await Run.AsIsAsync("promtool", "check", "config", Path.Combine(directory, "prometheus.yml"));
        Assert.That(exitCode, Is.Zero, output);
    }

    [Test]
    public async Task Nginx_Configuration_IsRight()
    {
        using var directory = new TempDirectory();
        var certificate = TestCertificate.SelfSigned;
        File.WriteAllText(Path.Combine(directory, "tls.pem"), certificate.ExportCertificatePem());
        File.WriteAllText(Path.Combine(directory, "tls.key"), certificate.GetRSAPrivateKey()!.ExportPkcs8PrivateKeyPem());
        var server = Text("oci/config/nginx.conf")
            .Replace("/etc/nginx/", directory.Path + "/", StringComparison.Ordinal)
            .Replace("http://mailproxy:8000", "http://127.0.0.1:8000", StringComparison.Ordinal);
        var file = Path.Combine(directory, "nginx.conf");
        File.WriteAllText(file, $"pid {directory.Path}/pid; error_log stderr; events {{}} http {{ access_log off; {server} }}");
        var (exitCode, output) = await Run.AsIsAsync("nginx", "-t", "-q", "-c", file, "-p", directory.Path);
        Assert.That(exitCode, Is.Zero, output);
    }
}
