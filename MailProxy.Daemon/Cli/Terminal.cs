using System.Collections;
using System.Net;
using MailProxy.Daemon.Cli.Doctor;
using Spectre.Console;

namespace MailProxy.Daemon.Cli;

/// <summary>What a command gets of the world: streams, variables, a clock, names. Tests bring their own.</summary>
internal sealed class Terminal
{
    // What does not fit is not cut where a program reads.
    private const int WithoutEnd = 100_000;

    private IAnsiConsole? _console;

    public required TextWriter Out { get; init; }

    public required TextWriter Error { get; init; }

    public required TextReader In { get; init; }

    public required IDictionary Environment { get; init; }

    public required TimeProvider Clock { get; init; }

    /// <summary>Bytes of standard input, and to standard output; each taken instead of the text, not beside it.</summary>
    public required Func<Stream> OpenInput { get; init; }

    public required Func<Stream> OpenOutput { get; init; }

    /// <summary>Where the program is.</summary>
    public string BaseDirectory { get; init; } = AppContext.BaseDirectory;

    /// <summary>What relative names of files are relative to.</summary>
    public string Directory { get; init; } = System.IO.Directory.GetCurrentDirectory();

    /// <summary>Whether a person sees the output.</summary>
    public bool IsScreen { get; init; }

    /// <summary>Whether a person can be asked.</summary>
    public bool IsInteractive { get; init; }

    /// <summary>Reads a line without showing it; null: the input ended.</summary>
    public Func<string?> ReadSecret { get; init; } = () => null;

    /// <summary>Looks names up, at this server, or at those of the machine.</summary>
    public Func<IPEndPoint?, INameLookup> Names { get; init; } = static server => new DnsNames(server);

    public bool IsColoured => IsScreen && Environment["NO_COLOR"] is not string { Length: > 0 } && Environment["TERM"] is not "dumb";

    /// <summary>For tables, bars and full screens.</summary>
    public IAnsiConsole Console => _console ??= MakeConsole();

    public string PathOf(string file) => Path.GetFullPath(file, Directory);

    private IAnsiConsole MakeConsole()
    {
        var console = AnsiConsole.Create(
            new AnsiConsoleSettings
            {
                Ansi = IsScreen ? AnsiSupport.Detect : AnsiSupport.No,
                ColorSystem = IsColoured ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
                Interactive = IsInteractive ? InteractionSupport.Yes : InteractionSupport.No,
                Out = new AnsiConsoleOutput(Out),
            }
        );
        if (!IsScreen)
            console.Profile.Width = WithoutEnd;
        return console;
    }
}
