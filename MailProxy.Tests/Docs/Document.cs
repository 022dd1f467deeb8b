using System.Text.RegularExpressions;
using MailProxy.Tests.Support;

namespace MailProxy.Tests.Docs;

/// <summary>A fenced block of a document.</summary>
/// <param name="Line">Where its fence stands, from 1.</param>
/// <param name="Remark">
/// The comment right before it. Of <c>sh</c>: <c>answers: text</c> (its output has this text) or <c>prelude</c> (it stands before each
/// later block). Of <c>json</c>: empty, or <c>body: METHOD path</c>, a request that the daemon takes.
/// </param>
/// <param name="Language">
/// <c>sh</c> is run against a daemon, <c>bash</c> changes the machine and is not, <c>json</c> is parsed.
/// </param>
internal sealed record Block(int Line, string Remark, string Language, string Text);

/// <summary>A Markdown file of the repository, read by machine.</summary>
/// <param name="Path">From the root of the repository.</param>
internal sealed partial record Document(string Path)
{
    // Run by a test of their own, under systemd.
    private const string Packaging = "packaging/README.md";

    private static readonly string[] Folders = ["docs", "packaging", "benchmarks", "MailProxy.Daemon/Sandbox"];

    public static IReadOnlyList<Document> All { get; } =
    [
        .. Directory
            .EnumerateFiles(Repository.Root, "*.md")
            .Concat(Folders.SelectMany(folder => Markdown(Repository.File(folder))))
            .Select(file => System.IO.Path.GetRelativePath(Repository.Root, file).Replace(System.IO.Path.DirectorySeparatorChar, '/'))
            .Order(StringComparer.Ordinal)
            .Select(path => new Document(path)),
    ];

    public static IEnumerable<Document> WithRunnableBlocks =>
        All.Where(document => document.Path != Packaging && document.Blocks.Any(block => block.Language == "sh"));

    public string Text { get; } = File.ReadAllText(Repository.File(Path));

    public IReadOnlyList<Block> Blocks =>
        [
            .. Fence()
                .Matches(Text)
                .Select(match => new Block(
                    Text.AsSpan(0, match.Groups["text"].Index).Count('\n'),
                    match.Groups["remark"].Value,
                    match.Groups["language"].Value,
                    match.Groups["text"].Value
                )),
        ];

    /// <summary>Where its links lead, as they are written, but those to the web and to mailboxes.</summary>
    public IEnumerable<string> Links =>
        Link().Matches(Prose).Select(match => match.Groups[1].Value).Where(link => !ElsewhereLink().IsMatch(link));

    /// <summary>The names that a link to one of its sections may have behind <c>#</c>, as GitHub makes them.</summary>
    public IEnumerable<string> Anchors =>
        Heading().Matches(Prose).Select(match => NotInAnchors().Replace(match.Groups[1].Value.ToLowerInvariant(), "").Replace(' ', '-'));

    public string Fenced(string language) => Blocks.First(block => block.Language == language).Text;

    public override string ToString() => Path;

    private string Prose => Fence().Replace(Text, "");

    private static IEnumerable<string> Markdown(string folder) =>
        Directory
            .EnumerateFiles(folder, "*.md", SearchOption.AllDirectories)
            .Where(file => !file.Split(System.IO.Path.DirectorySeparatorChar).Any(part => part is "bin" or "obj" or "node_modules"));

    [GeneratedRegex(
        @"^(<!-- (?<remark>.*?) -->\n)?```(?<language>\w*)\n(?<text>.*?)^```$",
        RegexOptions.Multiline | RegexOptions.Singleline
    )]
    private static partial Regex Fence();

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex("^(https?|mailto):")]
    private static partial Regex ElsewhereLink();

    [GeneratedRegex(@"^#{1,6} (.+)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex NotInAnchors();
}
