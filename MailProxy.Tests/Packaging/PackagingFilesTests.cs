using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;
using MailProxy.Daemon.Cli;
using MailProxy.Daemon.Cli.Apply;
using MailProxy.Daemon.Hosting;
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
    [TestCase("oci/nodes.yaml")]
    [TestCase("oci/config/prometheus.yml")]
    [TestCase("oci/config/grafana-source.yaml")]
    [TestCase("oci/config/grafana-dashboards.yaml")]
    public void Yaml_Reads(string path) => Assert.That(YamlText.Read(Text(path)), Has.Count.EqualTo(1).And.All.Not.Null);

    [TestCase("oci/compose.yaml", 8)]
    [TestCase("oci/nodes.yaml", 3)]
    public void Compose_MountsOnlyFilesThatAreThere(string path, int count)
    {
        var compose = Text(path);
        var mounts = Regex.Matches(compose, @"- (\.\.?/[^:]+):").Select(match => match.Groups[1].Value).ToList();
        Assert.That(mounts, Has.Count.EqualTo(count));
        foreach (var mount in mounts.Where(mount => !mount.StartsWith("./tls.", StringComparison.Ordinal)))
            Assert.That(Path.Exists(Path.Combine(Repository.File("packaging/oci"), mount)), Is.True, mount);
    }

    [Test]
    public void Compose_OfNodes_GivesEachItsOwnAndAllTheSame()
    {
        var compose = YamlText.Read(Text("oci/nodes.yaml"))[0]!;
        var services = compose["services"]!.AsObject();
        Assert.That(services.Select(static one => one.Key), Is.EqualTo(new[] { "postgres", "mail-1", "mail-2", "mail-3", "nginx" }));
        foreach (var number in (int[])[1, 2, 3])
        {
            var node = services[$"mail-{number}"]!;
            Assert.That((string?)node["environment"]!["MAILPROXY_STORAGE__NODES__NAME"], Is.EqualTo($"mail-{number}"));
            Assert.That((string?)node["volumes"]![0], Is.EqualTo($"data-{number}:/data"));
            Assert.That(compose["volumes"]!.AsObject().ContainsKey($"data-{number}"));
            Assert.That(Text("oci/config/nginx-nodes.conf").Split($"server mail-{number}:8000 "), Has.Length.EqualTo(3), "both upstreams");
            if (number > 1)
                Assert.That((string?)node["extends"]!["service"], Is.EqualTo("mail-1"));
        }

        var common = services["mail-1"]!["environment"]!.AsObject();
        Assert.That(
            (string?)common["MAILPROXY_API__TRUSTEDPROXIES__0"],
            Is.EqualTo((string?)services["nginx"]!["networks"]!["inside"]!["ipv4_address"])
        );
        var variables = common.ToDictionary(static one => one.Key, static one => Regex.Replace((string)one.Value!, @"\$\{.*?\}", "x"));
        variables["MAILPROXY_MASTER_KEY"] = new string('5', 64);
        variables["MAILPROXY_ADMIN_KEY"] = DaemonProcess.Key;
        var (_, mistakes) = SettingsReader.Read([], AppContext.BaseDirectory, "/nowhere", variables);
        Assert.That(mistakes, Is.Empty);
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

    [TestCase("nginx.conf")]
    [TestCase("nginx-nodes.conf")]
    public async Task Nginx_Configuration_IsRight(string name)
    {
        using var directory = new TempDirectory();
        var certificate = TestCertificate.SelfSigned;
        File.WriteAllText(Path.Combine(directory, "tls.pem"), certificate.ExportCertificatePem());
        File.WriteAllText(Path.Combine(directory, "tls.key"), certificate.GetRSAPrivateKey()!.ExportPkcs8PrivateKeyPem());
        var server = Text($"oci/config/{name}")
            .Replace("/etc/nginx/", directory.Path + "/", StringComparison.Ordinal)
            .Replace("http://mailproxy:8000", "http://127.0.0.1:8000", StringComparison.Ordinal);
        server = Regex.Replace(server, @"mail-\d:8000", "127.0.0.1:8000");
        var file = Path.Combine(directory, "nginx.conf");
        File.WriteAllText(file, $"pid {directory.Path}/pid; error_log stderr; events {{}} http {{ access_log off; {server} }}");
        var (exitCode, output) = await Run.AsIsAsync("nginx", "-t", "-q", "-c", file, "-p", directory.Path);
        Assert.That(exitCode, Is.Zero, output);
    }

    // nginx inherits no header into a location that sets one.
    [TestCase("nginx.conf")]
    [TestCase("nginx-nodes.conf")]
    public void Nginx_Page_IsToldWhoAsksAndWhereto(string name)
    {
        var page = Text($"oci/config/{name}").Split("location ~ ^/ui")[1].Split('}')[0];
        foreach (
            var header in (string[])
                ["Host $http_host", "X-Forwarded-For $remote_addr", "X-Forwarded-Proto $scheme", "Upgrade $http_upgrade"]
        )
            Assert.That(page, Does.Contain($"proxy_set_header {header};"));
    }
}
