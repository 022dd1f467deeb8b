using System.Text;

namespace MailProxy.Daemon.Cli;

/// <summary>The streams of this process.</summary>
internal static class ProcessTerminal
{
    private const int Output = 1;

    public static Terminal Make() =>
        new()
        {
            Out = Console.IsOutputRedirected ? Raw() : Console.Out,
            Error = Console.Error,
            In = Console.In,
            Environment = Environment.GetEnvironmentVariables(),
            Clock = TimeProvider.System,
            OpenInput = Console.OpenStandardInput,
            OpenOutput = OpenOutput,
            IsScreen = !Console.IsOutputRedirected,
            IsInteractive = !Console.IsInputRedirected && !Console.IsErrorRedirected,
            ReadSecret = ReadSecret,
        };

    private static StreamWriter Raw() => new(OpenOutput(), new UTF8Encoding(false)) { AutoFlush = true };

    // The runtime's own stream says nothing of a reader that is gone: a command that follows something would never end. A file has no
    // reader, and a place that this process shares with those before and after it.
    private static Stream OpenOutput()
    {
        var pipe = new FileStream(new((nint)Output, ownsHandle: false), FileAccess.Write, bufferSize: 0);
        return pipe.CanSeek ? Console.OpenStandardOutput() : pipe;
    }

    private static string? ReadSecret()
    {
        var typed = new StringBuilder();
        while (true)
        {
            var key = Console.ReadKey(intercept: true);
            switch (key)
            {
                case { Key: ConsoleKey.Enter }:
                    Console.Error.WriteLine();
                    return typed.ToString();
                case { Key: ConsoleKey.Backspace }:
                    typed.Length = Math.Max(0, typed.Length - 1);
                    break;
                case { KeyChar: '\x04' } when typed.Length == 0:
                    return null;
                case { KeyChar: >= ' ' }:
                    typed.Append(key.KeyChar);
                    break;
            }
        }
    }
}
