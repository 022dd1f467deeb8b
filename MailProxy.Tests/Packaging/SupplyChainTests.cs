using System.Text.Json.Nodes;
using System.Xml.Linq;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Packaging;

/// <summary>What the daemon ships is written down, package by package, and is what is restored.</summary>
public sealed class SupplyChainTests
{
    [Test]
    public void Sbom_IsWhatTheLockFileHas_SoRunMakeSbomWhenAPackageChanges()
    {
        var components = Json("packaging/mailproxy.cdx.json")["components"]!.AsArray().Select(c => $"{c!["name"]} {c["version"]}");
        Assert.That(components, Is.EquivalentTo(Locked("MailProxy.Daemon")));
    }

    [Test]
    public void LockFiles_EveryProject_HashesEveryPackage(
        [Values("MailProxy.Pipeline", "MailProxy.Daemon", "MailProxy.Tests", "benchmarks")] string project
    ) => Assert.That(Packages(project).Where(package => (string?)package.Value!["contentHash"] is not { Length: > 40 }), Is.Empty);

    [Test]
    public void Restore_LooksForKnownFaults()
    {
        var props = XDocument.Load(Repository.File("Directory.Build.props"));
        string Value(string name) => props.Descendants(name).Single().Value;
        Assert.That((Value("NuGetAudit"), Value("NuGetAuditMode")), Is.EqualTo(("true", "all")));
    }

    private static IEnumerable<string> Locked(string project) =>
        Packages(project).Select(package => $"{package.Key} {package.Value!["resolved"]}");

    private static IEnumerable<KeyValuePair<string, JsonNode?>> Packages(string project) =>
        Json(project + "/packages.lock.json")["dependencies"]!["net10.0"]!
            .AsObject()
            .Where(package => (string?)package.Value!["type"] != "Project");

    private static JsonNode Json(string path) => JsonNode.Parse(File.ReadAllText(Repository.File(path)))!;
}
