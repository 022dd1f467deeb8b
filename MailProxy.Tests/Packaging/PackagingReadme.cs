using System.Text.RegularExpressions;
using MailProxy.Tests.Support;

namespace MailProxy.Tests.Packaging;

/// <summary>The shell blocks of packaging/README.md, each with a name in a comment above it.</summary>
internal static partial class PackagingReadme
{
    public static string Text => File.ReadAllText(Repository.File("packaging/README.md"));

    public static string Block(string name) =>
        Fence().Matches(Text).Single(block => block.Groups["name"].Value == name).Groups["text"].Value;

    [GeneratedRegex(@"^<!-- (?<name>\S+) -->\n```sh\n(?<text>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence();
}
