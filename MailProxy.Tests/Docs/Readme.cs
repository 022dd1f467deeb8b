using System.Text.RegularExpressions;
using MailProxy.Tests.Support;

namespace MailProxy.Tests.Docs;

/// <summary>A block of shell in the README, with what the comment before it says of it.</summary>
/// <param name="Line">Where its fence stands, from 1.</param>
/// <param name="Remark">The comment right before it: <c>answers: text</c> (its output has this text), <c>prelude</c> (it stands before each
/// later block), or empty.</param>
internal sealed record ShellBlock(int Line, string Remark, string Text);

/// <summary>README.md, read by machine: <c>sh</c> blocks can be run against a daemon, <c>bash</c> blocks change the machine.</summary>
internal static partial class Readme
{
    public static string Text { get; } = File.ReadAllText(Repository.File("README.md"));

    public static IReadOnlyList<ShellBlock> Runnable { get; } =
    [
        .. ShFence()
            .Matches(Text)
            .Select(m => new ShellBlock(
                Text.AsSpan(0, m.Groups["text"].Index).Count('\n'),
                m.Groups["remark"].Value,
                m.Groups["text"].Value
            )),
    ];

    /// <summary>The cells of the configuration table, without the code marks.</summary>
    public static IReadOnlyList<string[]> Settings { get; } =
    [.. SettingRow().Matches(Text).Select(m => m.Value.Trim('|', ' ').Split('|').Select(cell => cell.Trim().Trim('`')).ToArray())];

    public static string Fence(string language) =>
        Regex.Match(Text, $@"^```{language}\n(?<text>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline).Groups["text"].Value;

    [GeneratedRegex(@"^(<!-- (?<remark>.*?) -->\n)?```sh\n(?<text>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex ShFence();

    [GeneratedRegex(@"^\| `[A-Za-z:]+` \| `MAILPROXY_.*\|$", RegexOptions.Multiline)]
    private static partial Regex SettingRow();
}
