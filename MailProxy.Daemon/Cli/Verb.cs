using System.CommandLine;

namespace MailProxy.Daemon.Cli;

/// <summary>One command, or a group of commands, with what its help says.</summary>
internal sealed class Verb(string name, string summary) : Command(name, summary)
{
    /// <summary>Command lines that work as they stand, once there are the objects that they name. A test runs each.</summary>
    public IReadOnlyList<string> Examples { get; init; } = [];

    /// <summary>More than the summary: what people ask before they use it.</summary>
    public string? Details { get; init; }

    /// <summary>Whether it goes on until it is interrupted.</summary>
    public bool IsEndless { get; init; }

    /// <summary>What it does, and its exit code; null: a group, or a command that is run before this tree is made.</summary>
    public Func<Call, Task<int>>? Run { get; init; }

    /// <summary>Whether it is run before this tree is made, with arguments of another kind.</summary>
    public bool IsOwn { get; init; }

    /// <summary>Its name with those above it, but not the program's.</summary>
    public string FullName => Parents.OfType<Verb>().FirstOrDefault() is { } above ? $"{above.FullName} {Name}" : Name;

    public Verb With(params Symbol[] symbols)
    {
        foreach (var symbol in symbols)
        {
            if (symbol is Argument argument)
                Add(argument);
            else if (symbol is Option option)
                Add(option);
            else if (symbol is Command command)
                Add(command);
        }

        return this;
    }
}
