using System.CommandLine;
using System.Globalization;

namespace MailProxy.Daemon.Cli;

/// <summary>Arguments and options, as the tree of commands declares them.</summary>
internal static class Words
{
    public static Argument<string> Word(string name, string description) => new(name) { Description = description };

    public static Argument<string?> OptionalWord(string name, string description) =>
        new(name) { Description = description, Arity = ArgumentArity.ZeroOrOne };

    public static Argument<string[]> List(string name, string description) =>
        new(name) { Description = description, Arity = ArgumentArity.ZeroOrMore };

    public static Option<string?> Text(string name, string value, string description, params string[] aliases) =>
        new(name, aliases) { HelpName = value, Description = description };

    public static Option<string[]> Texts(string name, string value, string description) =>
        new(name)
        {
            HelpName = value,
            Description = description,
            Arity = ArgumentArity.OneOrMore,
            AllowMultipleArgumentsPerToken = false,
            DefaultValueFactory = static _ => [],
        };

    public static Option<bool> Flag(string name, string description) => new(name) { Description = description, Arity = ArgumentArity.Zero };

    /// <summary>A whole number in a range.</summary>
    public static Option<int?> Number(string name, string value, string description, int least, int most)
    {
        var option = new Option<int?>(name) { HelpName = value, Description = description };
        option.CustomParser = result =>
        {
            var text = result.Tokens.Count > 0 ? result.Tokens[0].Value : "";
            if (
                int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
                && number >= least
                && number <= most
            )
                return number;
            result.AddError($"{name}: '{text}' is not a number from {least} to {most}.");
            return null;
        };
        return option;
    }

    /// <summary>An argument that is one of a few words.</summary>
    public static Argument<string> Choice(string name, string[] choices)
    {
        var argument = new Argument<string>(name) { Description = string.Join(", ", choices[..^1]) + " or " + choices[^1] + "." };
        argument.Validators.Add(result =>
        {
            if (result.Tokens is [var given, ..] && !choices.Contains(given.Value))
                result.AddError(NoneOf(name, given.Value, choices));
        });
        return argument;
    }

    /// <summary>One of a few words.</summary>
    public static Option<string?> Choice(string name, string description, params string[] choices)
    {
        var option = new Option<string?>(name) { HelpName = string.Join('|', choices), Description = description };
        option.Validators.Add(result =>
        {
            if (result.Tokens is [var given, ..] && !choices.Contains(given.Value))
                result.AddError(NoneOf(name, given.Value, choices));
        });
        return option;
    }

    private static string NoneOf(string name, string given, string[] choices) =>
        $"{name}: '{Hosting.OneLine.Quote(given)}' is none of {string.Join(", ", choices)}.";
}
