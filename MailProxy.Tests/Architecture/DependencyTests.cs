using System.Reflection;
using System.Text.RegularExpressions;
using MailProxy.Pipeline;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Architecture;

/// <summary>Dependencies go one way: Daemon → Pipeline; MailPipeline → stages → services; no stage names a stage.</summary>
public sealed partial class DependencyTests
{
    private static readonly string[] Stages = ["Ingest", "Persist", "Schedule", "Resolve", "Send", "Report", "Retain"];
    private static readonly string[] Services =
    [
        "Accounts",
        "Configuration",
        "Disk",
        "Flow",
        "Intake",
        "Mail",
        "Network",
        "Notation",
        "Sharing",
        "Storage",
        "Telemetry",
    ];

    [TestCaseSource(nameof(Stages))]
    public void Stage_NamesNoOtherStage(string stage)
    {
        var others = string.Join('|', Stages.Where(r => r != stage));
        Assert.That(Naming(stage, others), Is.Empty);
    }

    [TestCaseSource(nameof(Services))]
    public void Service_NamesNoStage(string service) => Assert.That(Naming(service, string.Join('|', Stages)), Is.Empty);

    [Test]
    public void Pipeline_ReferencesNoHostNoWebNoSerilog()
    {
        var references = typeof(MailPipeline).Assembly.GetReferencedAssemblies().Select(a => a.Name!);
        Assert.That(
            references,
            Has.None.Matches<string>(name =>
                name.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal)
                || name.StartsWith("Serilog", StringComparison.Ordinal)
                || name.StartsWith("Microsoft.Extensions.Hosting", StringComparison.Ordinal)
                || name.StartsWith("Microsoft.Extensions.Configuration", StringComparison.Ordinal)
                || name.StartsWith("Microsoft.Extensions.DependencyInjection", StringComparison.Ordinal)
                || name == "mailproxy"
            )
        );
    }

    [Test]
    public void MailKitsClient_IsTouchedOnlyInSend()
    {
        var files = Repository
            .Sources("MailProxy.Pipeline")
            .Concat(Repository.Sources("MailProxy.Daemon"))
            .Where(file => MailKitClient().IsMatch(File.ReadAllText(file)))
            .Select(file => Path.GetRelativePath(Repository.Root, file));
        Assert.That(files, Has.All.StartsWith(Path.Combine("MailProxy.Pipeline", "Send")));
    }

    [Test]
    public void Namespaces_EqualFolders()
    {
        var wrong = new List<string>();
        foreach (var project in new[] { "MailProxy.Pipeline", "MailProxy.Daemon", "MailProxy.Tests" })
        {
            foreach (var file in Repository.Sources(project))
            {
                var declared = NamespaceLine().Match(File.ReadAllText(file));
                var folder = Path.GetDirectoryName(Path.GetRelativePath(Repository.Root, file))!.Replace(Path.DirectorySeparatorChar, '.');
                if (declared.Success && declared.Groups[1].Value != folder)
                    wrong.Add($"{file}: {declared.Groups[1].Value}");
            }
        }

        Assert.That(wrong, Is.Empty);
    }

    [Test]
    public void Types_InStages_AreSealedOrAbstract()
    {
        var open = typeof(MailPipeline)
            .Assembly.GetTypes()
            .Where(t =>
                t.IsClass
                && !t.IsSealed
                && !t.IsAbstract
                && t.GetCustomAttribute<System.Runtime.CompilerServices.CompilerGeneratedAttribute>() is null
            )
            .Select(t => t.FullName);
        Assert.That(open, Is.Empty);
    }

    private static IEnumerable<string> Naming(string folder, string forbidden)
    {
        if (!Directory.Exists(Repository.File(Path.Combine("MailProxy.Pipeline", folder))))
            return [];
        var named = new Regex(
            $@"(using |MailProxy\.Pipeline\.|[\s(<])({forbidden})(;|\.[A-Z]\w*(Stage|Options|Pool|Gate|Rules|Queue)\b)",
            RegexOptions.CultureInvariant
        );
        return Repository
            .Sources(Path.Combine("MailProxy.Pipeline", folder))
            .SelectMany(file =>
                File.ReadLines(file)
                    .Where(line => named.IsMatch(line) || Regex.IsMatch(line, $@"using MailProxy\.Pipeline\.({forbidden})\b"))
                    .Select(line => $"{Path.GetFileName(file)}: {line.Trim()}")
            );
    }

    [GeneratedRegex(@"^namespace ([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex NamespaceLine();

    [GeneratedRegex(@"using MailKit|MailKit\.Net")]
    private static partial Regex MailKitClient();
}
