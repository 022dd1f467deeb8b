using System.CommandLine;
using System.CommandLine.Parsing;

namespace MailProxy.Daemon.Cli;

/// <summary>Says in one line what is wrong with what was typed. Pure.</summary>
internal static class ArgumentMistake
{
    /// <summary>What people give a secret by, who do not know that others on the machine can read it there.</summary>
    private static readonly string[] Secrets = ["--password", "--key", "--token", "--secret", "--api-key", "--client-secret"];

    public static string Of(ParseResult parsed, string[] args)
    {
        var command = parsed.CommandResult.Command;
        var name = command is Verb verb ? verb.FullName : "mailproxy";
        if (Array.Find(args, arg => Array.Exists(Secrets, secret => arg == secret || arg.StartsWith(secret + '='))) is { } given)
            return $"{given.Split('=')[0]} is not taken: everybody on this machine can read arguments. Use "
                + $"{given.Split('=')[0]}-file FILE, "
                + "where - is standard input.";
        if (command.Subcommands.Count > 0)
        {
            var known = string.Join(", ", command.Subcommands.Select(static one => one.Name));
            var unknown = parsed.UnmatchedTokens is [var first, ..] ? $"'{Hosting.OneLine.Quote(first)}' is not a command of it. " : "";
            return $"{name}: {unknown}There are: {known}.";
        }

        var message = UnknownOption(parsed, args) is { } option ? Unknown(option) : Message(parsed.Errors.FirstOrDefault(), parsed);
        return $"{name}: {message} See mailproxy {name} --help.";
    }

    /// <summary>
    /// An option that no command knows, which the parser takes for a word that the command has room for: a mistyped --yes is no id. Behind
    /// -- anything is a word.
    /// </summary>
    public static string? UnknownOption(ParseResult parsed, string[] args)
    {
        var end = Array.IndexOf(args, "--");
        var options = end < 0 ? args : args[..end];
        return parsed
            .CommandResult.Children.OfType<ArgumentResult>()
            .SelectMany(static argument => argument.Tokens)
            .Select(static token => token.Value)
            .FirstOrDefault(word => word.StartsWith("--", StringComparison.Ordinal) && options.Contains(word));
    }

    private static string Unknown(string option) => $"the option {Hosting.OneLine.Quote(option.Split('=')[0])} is not known.";

    private static string Message(ParseError? error, ParseResult parsed)
    {
        if (error is { SymbolResult: ArgumentResult { Tokens.Count: 0, Argument: var missing } } && missing.Arity.MinimumNumberOfValues > 0)
            return $"{missing.Name} is missing: {missing.Description}";
        if (parsed.UnmatchedTokens is [var first, ..])
            return first.StartsWith('-')
                ? Unknown(first)
                : $"'{Hosting.OneLine.Quote(first)}' is one word too many; text with blanks stands in quotation marks.";
        var message = (error?.Message ?? "something is missing").TrimEnd('.', ' ');
        return char.ToLowerInvariant(message[0]) + message[1..] + ".";
    }
}
