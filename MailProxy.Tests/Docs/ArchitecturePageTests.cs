using System.Text.RegularExpressions;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Docs;

/// <summary>What the pages for contributors name is there.</summary>
[TestFixture]
internal sealed partial class ArchitecturePageTests
{
    private static readonly string[] Pages = ["docs/architecture.md", "CONTRIBUTING.md"];

    private static readonly string[] Projects = ["MailProxy.Pipeline", "MailProxy.Daemon", "MailProxy.Tests", "benchmarks"];

    private static readonly Lazy<HashSet<string>> Words = new(() =>
        [.. Projects.SelectMany(Repository.Sources).SelectMany(file => Word().Matches(File.ReadAllText(file))).Select(word => word.Value)]
    );

    [TestCase("MailProxy.Pipeline")]
    [TestCase("MailProxy.Daemon")]
    public void Folders_OfAProject_StandInTheTable(string project)
    {
        var folders = Repository
            .Sources(project)
            .Select(file => Path.GetRelativePath(Repository.File(project), file))
            .Where(file => file.Contains('/'))
            .Select(file => file.Split('/')[0])
            .Distinct();
        var rows = Page(Pages[0])
            .Text.Split('\n')
            .Where(line => line.StartsWith("| `", StringComparison.Ordinal))
            .Select(line => line.Split('`')[1]);
        Assert.That(folders.Select(folder => folder + "/"), Is.SubsetOf(rows));
    }

    [TestCaseSource(nameof(Pages))]
    public void Names_OfTypes_OccurInTheCode(string page) =>
        Assert.That(
            Marked()
                .Matches(Page(page).Text)
                .Select(mark => mark.Groups[1].Value)
                .Where(name => TypeName().IsMatch(name))
                .Where(name => !Words.Value.Contains(name)),
            Is.Empty
        );

    [TestCaseSource(nameof(Pages))]
    public void Paths_OfFiles_AreThere(string page) =>
        Assert.That(
            Marked()
                .Matches(Page(page).Text)
                .Select(mark => mark.Groups[1].Value)
                .Where(name => FilePath().IsMatch(name))
                .Where(name =>
                    !new[] { "", "MailProxy.Pipeline", "MailProxy.Daemon", "MailProxy.Tests" }.Any(root => Exists(Path.Combine(root, name)))
                ),
            Is.Empty
        );

    private static Document Page(string path) => Document.All.Single(document => document.Path == path);

    private static bool Exists(string path) => File.Exists(Repository.File(path)) || Directory.Exists(Repository.File(path));

    [GeneratedRegex(@"\b[A-Z]\w+\b")]
    private static partial Regex Word();

    [GeneratedRegex("(?<!`)`([^`\n]+)`(?!`)")]
    private static partial Regex Marked();

    [GeneratedRegex("^[A-Z][a-z]+[A-Z][A-Za-z]+$")]
    private static partial Regex TypeName();

    [GeneratedRegex(@"^[\w.]+(/[\w.]+)*(\.cs|\.json|\.txt|/)$")]
    private static partial Regex FilePath();
}
