using System.CommandLine;
using System.Text;
using MailProxy.Daemon.Cli;

namespace MailProxy.Tests.Docs;

/// <summary>The tables of docs/reference/cli.md, from the tree of commands.</summary>
internal static class CommandTables
{
    public static string ExitCodes() =>
        "\n| code | meaning |\n|---|---|\n" + string.Concat(ExitCode.All.Select(static one => $"| {one.Code} | {one.Meaning} |\n"));

    public static string CommonOptions() => "\n" + Options(MailProxy.Daemon.Cli.CommonOptions.All);

    public static string Commands()
    {
        var text = new StringBuilder();
        foreach (var verb in CommandTree.Make(out _).Subcommands.OfType<Verb>())
            Add(text, verb, "###");
        return text.ToString();
    }

    private static void Add(StringBuilder text, Verb verb, string heading)
    {
        text.Append($"\n{heading} {verb.FullName}\n\n{Escaped(verb.Description!)}");
        if (verb.Details is { } details)
            text.Append(' ').Append(Escaped(details));
        text.Append('\n');
        if (verb.Subcommands.Count == 0)
        {
            text.Append($"\n```text\n{HelpText.Usage(verb)}\n```\n");
            if (verb.Arguments.Count > 0)
                text.Append('\n')
                    .AppendJoin('\n', verb.Arguments.Select(static one => $"* `{one.Name}`: {Escaped(one.Description!)}"))
                    .Append('\n');
            if (verb.Options.Any(HelpText.IsOwn))
                text.Append('\n').Append(Options(verb.Options.Where(HelpText.IsOwn)));
            text.Append("\n```text\n").AppendJoin('\n', verb.Examples).Append("\n```\n");
        }

        foreach (var below in verb.Subcommands.OfType<Verb>())
            Add(text, below, heading + "#");
    }

    private static string Options(IEnumerable<Option> options) =>
        "| option | meaning |\n|---|---|\n"
        + string.Concat(options.Select(static one => $"| `{HelpText.Usage(one).Replace("|", "\\|")}` | {Escaped(one.Description!)} |\n"));

    private static string Escaped(string text) => text.Replace("|", "\\|").Replace("<", "&lt;").Replace("*", "\\*");
}
