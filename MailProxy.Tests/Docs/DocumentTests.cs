using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Docs;

/// <summary>What holds for every document: its links lead somewhere, and its blocks are of the kinds that are looked after.</summary>
[TestFixture]
internal sealed partial class DocumentTests
{
    private static readonly string[] Languages =
    [
        "sh",
        "bash",
        "text",
        "json",
        "csharp",
        "python",
        "javascript",
        "php",
        "nginx",
        "ini",
        "yaml",
        "caddy",
        "",
    ];

    private static IReadOnlyList<Document> All => Document.All;

    [TestCaseSource(nameof(All))]
    public void Links_OfADocument_LeadToFilesAndSectionsThatAreThere(Document document) =>
        Assert.That(document.Links.Select(link => Fault(document, link)).OfType<string>(), Is.Empty);

    [TestCaseSource(nameof(All))]
    public void Blocks_OfADocument_AreRunReadOrMarkedAsNeither(Document document)
    {
        var blocks = document.Blocks;
        Assert.That(blocks.Select(block => block.Language), Is.All.AnyOf([.. Languages]));

        // What asks the daemon something is run.
        Assert.That(blocks.Where(block => block.Language != "sh").Select(block => block.Text), Has.None.Match(@"(curl|mp) \S*/v1"));
        Assert.That(blocks.Where(block => block.Language == "json").Select(JsonFault).OfType<string>(), Is.Empty);
    }

    [TestCaseSource(typeof(Document), nameof(Document.WithRunnableBlocks))]
    public void Blocks_ThatAreRun_SayWhatTheyAnswer(Document document) =>
        Assert.That(
            document.Blocks.Where(block => block.Language == "sh").Select(block => block.Remark),
            Is.All.Match("^(prelude|answers: .+)$")
        );

    [Test]
    public void Preludes_Everywhere_AreTheSame() =>
        Assert.That(
            Document
                .WithRunnableBlocks.SelectMany(document => document.Blocks.Where(block => block.Remark == "prelude"))
                .Select(b => b.Text)
                .Distinct(),
            Has.Exactly(1).Items
        );

    [Test]
    public void Readme_IsShort() =>
        Assert.That(Encoding.UTF8.GetByteCount(All.Single(document => document.Path == "README.md").Text), Is.AtMost(10_240));

    [Test]
    public void Documents_AreReachedFromTheReadme()
    {
        var reached = new HashSet<string>();
        var next = new Queue<string>(["README.md"]);
        while (next.TryDequeue(out var path))
        {
            if (!reached.Add(path))
                continue;
            foreach (var target in All.Where(document => document.Path == path).SelectMany(document => document.Links.Select(Target)))
                next.Enqueue(target);

            string Target(string link) => Resolve(path, link.Split('#')[0]);
        }

        // The decisions are a folder that is linked to as a whole.
        Assert.That(All.Select(document => document.Path).Where(path => !Unlinked().IsMatch(path)), Is.SubsetOf(reached));
    }

    [TestCase("README.md", "no-such-file.md", "no-such-file.md")]
    [TestCase("README.md", "#no-such-section", "#no-such-section")]
    [TestCase("README.md", "CONTRIBUTING.md#no-such-section", "CONTRIBUTING.md#no-such-section")]
    [TestCase("docs/architecture.md", "../CONTRIBUTING.md#habits", null)]
    [TestCase("docs/architecture.md", "decisions", null)]
    public void Fault_OfALink_IsFound(string path, string link, string? fault) =>
        Assert.That(Fault(All.Single(document => document.Path == path), link), Is.EqualTo(fault));

    /// <summary>The link, when it leads nowhere; else null.</summary>
    private static string? Fault(Document document, string link)
    {
        var (file, section) = link.Split('#') is [var before, var behind] ? (before, behind) : (link, null);
        var path = file.Length == 0 ? document.Path : Resolve(document.Path, file);
        if (!File.Exists(Repository.File(path)) && !Directory.Exists(Repository.File(path)))
            return link;
        return section is null || All.Single(other => other.Path == path).Anchors.Contains(section) ? null : link;
    }

    private static string Resolve(string from, string link) =>
        Path.GetRelativePath(Repository.Root, Path.GetFullPath(Path.Combine(Repository.Root, Path.GetDirectoryName(from)!, link)));

    private static string? JsonFault(Block block)
    {
        try
        {
            using var _ = JsonDocument.Parse(block.Text);
            return null;
        }
        catch (JsonException error)
        {
            return $"line {block.Line}: {error.Message}";
        }
    }

    [GeneratedRegex("^(docs/decisions/.*|AGENTS.md)$")]
    private static partial Regex Unlinked();
}
