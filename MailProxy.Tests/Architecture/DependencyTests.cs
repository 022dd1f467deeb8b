using System.Reflection;
using System.Text.RegularExpressions;
using MailProxy.Daemon.Hosting;
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
        "Search",
        "Sharing",
        "Storage",
        "Telemetry",
        "Profiles",
    ];

    /// <summary>What the edge may name: what it is given, and no stage.</summary>
    private static readonly string[] ForTheEdge = Services;

    private static readonly Lazy<FolderGraph> Pipeline = new(static () => new(Edges(typeof(MailPipeline)), "MailProxy.Pipeline"));

    private static readonly Lazy<HashSet<TypeEdge>> Daemon = new(static () => Edges(typeof(DaemonSettings)));

    [Test]
    public void Folders_EachIsAStageOrAService()
    {
        Assert.That(Pipeline.Value.Folders.Except([FolderGraph.Root]), Is.EquivalentTo(Stages.Concat(Services)));
        Assert.That(Folders("MailProxy.Pipeline"), Is.EquivalentTo(Stages.Concat(Services)), "on the disk");
        Assert.That(
            Folders("MailProxy.Daemon"),
            Is.EquivalentTo(
                new[] { "Api", "Cli", "Client", "Dashboard", "Genro", "Hosting", "Operations", "Presets", "Sandbox", "wwwroot" }
            )
        );
    }

    [Test]
    public void Stage_NamesNoOtherStage() =>
        Assert.That(Stages.SelectMany(from => Stages.SelectMany(to => from == to ? [] : Pipeline.Value.Edges(from, to))), Is.Empty);

    [Test]
    public void Service_NamesNoStageAndNotTheRoot() =>
        Assert.That(
            Services.SelectMany(from => Stages.Append(FolderGraph.Root).SelectMany(to => Pipeline.Value.Edges(from, to))),
            Is.Empty
        );

    [Test]
    public void Folders_OfTheEngine_HaveNoCycle() => Assert.That(Pipeline.Value.Cycles(), Is.Empty);

    [Test]
    public void Folders_OfTheDaemon_HaveNoCycle() =>
        Assert.That(new FolderGraph(Daemon.Value, "MailProxy.Daemon").Cycles().Where(static cycle => !cycle.StartsWith('.')), Is.Empty);

    [Test]
    public void Edge_NamesOnlyTheServicesItIsGiven()
    {
        var beyond = Daemon
            .Value.Where(static edge => FolderGraph.FolderOf(edge.FromNamespace, "MailProxy.Daemon") == "Api")
            .Where(static edge => FolderGraph.FolderOf(edge.ToNamespace, "MailProxy.Pipeline") is { } to && !ForTheEdge.Contains(to));
        Assert.That(beyond, Is.Empty);
    }

    [Test]
    public void Genro_NamesOnlyServicesAndTheEdge_AndOnlyTheWiringNamesIt()
    {
        static string? Folder(string space) => FolderGraph.FolderOf(space, "MailProxy.Daemon");
        var beyond = Daemon
            .Value.Where(static edge => Folder(edge.FromNamespace) == "Genro")
            .Where(static edge =>
                FolderGraph.FolderOf(edge.ToNamespace, "MailProxy.Pipeline") is { } to
                    ? !ForTheEdge.Contains(to)
                    : Folder(edge.ToNamespace) is not (null or "Genro" or "Api")
            );
        Assert.That(beyond, Is.Empty);
        var knowing = Daemon
            .Value.Where(static edge => Folder(edge.ToNamespace) == "Genro")
            .Select(static edge => Folder(edge.FromNamespace))
            .Distinct();
        Assert.That(knowing, Is.EquivalentTo(new[] { "Genro", "Hosting", "Cli" }));
    }

    /// <summary>But for the style of its reports, which has a name and files of its own.</summary>
    [Test]
    public void Genro_IsNotHeardOfElsewhere()
    {
        string[] may =
        [
            Path.Combine("MailProxy.Daemon", "Genro"),
            Path.Combine("MailProxy.Daemon", "Hosting"),
            Path.Combine("MailProxy.Daemon", "Cli"),
            Path.Combine("MailProxy.Daemon", "Program.cs"),
            Path.Combine("MailProxy.Pipeline", "Report"),
            Path.Combine("MailProxy.Pipeline", "Configuration", "Webhooks"),
            Path.Combine("MailProxy.Pipeline", "Storage", "Subscription.cs"),
            Path.Combine("MailProxy.Pipeline", "Storage", "Sql", "ProgressRows.cs"),
        ];
        var files = Repository
            .Sources("MailProxy.Pipeline")
            .Concat(Repository.Sources("MailProxy.Daemon"))
            .Where(static file => File.ReadAllText(file).Contains("genro", StringComparison.OrdinalIgnoreCase))
            .Select(static file => Path.GetRelativePath(Repository.Root, file))
            .Where(file => !may.Any(one => file.StartsWith(one, StringComparison.Ordinal)));
        Assert.That(files, Is.Empty);
    }

    [Test]
    public void Graph_OfMadeUpTypes_ShowsTheCycleAndWhy()
    {
        var there = new TypeEdge("Made.One", "A", "Made.Two.Below", "B");
        var back = new TypeEdge("Made.Two", "C", "Made.Three", "D");
        var round = new TypeEdge("Made.Three", "E", "Made.One", "F");
        var graph = new FolderGraph(
            [there, back, round, new("Made.One", "A", "System", "String"), new("Made", "G", "Made.One", "A")],
            "Made"
        );

        Assert.That(graph.Cycles(), Is.EqualTo(new[] { "One -> Two", "Three -> One", "Two -> Three" }));
        Assert.That(graph.Edges("One", "Two"), Is.EqualTo(new[] { there }));
        Assert.That(graph.Folders, Is.EquivalentTo(new[] { "One", "Two", "Three", FolderGraph.Root }));
    }

    [Test]
    public void Edges_OfThisAssembly_SeeASignatureABodyAndAGenericArgument()
    {
        var seen = Edges(typeof(Seen)).Where(static edge => edge.From == nameof(Seen)).Select(static edge => edge.To).ToList();
        Assert.That(seen, Is.SupersetOf(new[] { nameof(BySignature), nameof(ByBody), nameof(ByArgument) }));
    }

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

    private static HashSet<TypeEdge> Edges(Type one) => TypeEdges.Of(one.Assembly.Location);

    private static IEnumerable<string> Folders(string project) =>
        Directory
            .GetDirectories(Repository.File(project))
            .Select(Path.GetFileName)
            .OfType<string>()
            .Where(static f => f is not ("bin" or "obj"));

    [GeneratedRegex(@"^namespace ([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex NamespaceLine();

    [GeneratedRegex(@"using MailKit|MailKit\.Net")]
    private static partial Regex MailKitClient();
}

/// <summary>Names a type in each of the ways in which code does.</summary>
internal sealed class Seen
{
    internal BySignature? Signature { get; init; }

    internal static bool Body(object any) => any is ByBody;

    internal static List<ByArgument> Argument() => [];
}

internal sealed class BySignature;

internal sealed class ByBody;

internal sealed class ByArgument;
