using System.CommandLine;
using System.Text;

namespace MailProxy.Daemon.Cli;

/// <summary>The help of a command, from the tree of commands. Pure.</summary>
internal static class HelpText
{
    private const int Width = 100;
    private const int Column = 26;

    public static string Of(Command command)
    {
        var text = new StringBuilder();
        text.Append(Usage(command)).Append("\n\n").Append(command.Description).Append('\n');
        if (command is Verb { Details: { } details })
            Paragraph(text, details);
        Section(text, "Arguments", command.Arguments.Select(static one => (one.Name, one.Description ?? "")));
        Section(text, "Commands", Shown(command).Select(static one => (one.Name, one.Description ?? "")));
        Section(text, "Options", command.Options.Where(IsOwn).Select(static one => (Usage(one), one.Description ?? "")));
        if (command is Verb { IsOwn: false })
            Section(text, "Common options", CommonOptions.All.Select(static one => (Usage(one), one.Description ?? "")));
        if (command is not Verb)
            Section(text, "Exit codes", ExitCode.All.Select(static one => (one.Code.ToString(), one.Meaning)));
        Examples(text, command);
        return text.ToString();
    }

    /// <summary>The command line in short: <c>mailproxy messages list [QUERY] [options]</c>.</summary>
    public static string Usage(Command command)
    {
        var name = command is Verb verb ? $"mailproxy {verb.FullName}" : "mailproxy";
        if (Shown(command).Any())
            return $"{name} COMMAND";
        var arguments = command.Arguments.Select(static argument =>
            argument.Arity.MinimumNumberOfValues > 0 ? argument.Name
            : argument.Arity.MaximumNumberOfValues > 1 ? $"[{argument.Name} ...]"
            : $"[{argument.Name}]"
        );
        return string.Join(' ', [name, .. arguments, .. command.Options.Any(IsOwn) ? (string[])["[options]"] : []]);
    }

    /// <summary>An option with its value: <c>-o, --output FILE</c>.</summary>
    public static string Usage(Option option)
    {
        var names = string.Join(", ", [.. option.Aliases.Where(alias => alias != option.Name), option.Name]);
        return option.Arity.MaximumNumberOfValues == 0 ? names : $"{names} {option.HelpName}";
    }

    public static IEnumerable<Command> Shown(Command command) => command.Subcommands.Where(static one => !one.Hidden);

    /// <summary>Whether a command has this option by itself.</summary>
    public static bool IsOwn(Option option) => !option.Recursive;

    private static void Examples(StringBuilder text, Command command)
    {
        if (command is not Verb { Examples: { Count: > 0 } examples })
            return;
        text.Append("\nExamples:\n");
        foreach (var example in examples)
            text.Append("  ").Append(example).Append('\n');
    }

    private static void Section(StringBuilder text, string title, IEnumerable<(string Name, string Meaning)> rows)
    {
        var begun = false;
        foreach (var (name, meaning) in rows)
        {
            if (!begun)
                text.Append('\n').Append(title).Append(":\n");
            begun = true;
            var lead = "  " + name;
            if (lead.Length >= Column)
                text.Append(lead).Append('\n').Append(' ', Column);
            else
                text.Append(lead.PadRight(Column));
            text.AppendJoin("\n" + new string(' ', Column), Wrapped(meaning, Width - Column)).Append('\n');
        }
    }

    private static void Paragraph(StringBuilder text, string words) =>
        text.Append('\n').AppendJoin('\n', Wrapped(words, Width)).Append('\n');

    private static IEnumerable<string> Wrapped(string text, int width)
    {
        var line = new StringBuilder();
        foreach (var word in text.Split(' '))
        {
            if (line.Length > 0 && line.Length + 1 + word.Length > width)
            {
                yield return line.ToString();
                line.Clear();
            }

            line.Append(line.Length > 0 ? " " : "").Append(word);
        }

        yield return line.ToString();
    }
}
