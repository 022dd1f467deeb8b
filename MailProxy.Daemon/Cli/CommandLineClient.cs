using System.CommandLine;
using System.Text.Json.Nodes;
using MailProxy.Daemon.Cli.Output;
using MailProxy.Daemon.Client;

namespace MailProxy.Daemon.Cli;

/// <summary>Runs the commands that are neither the daemon itself nor work on its files: parses, runs, and tells what went wrong.</summary>
internal static class CommandLineClient
{
    private const int BrokenPipe = 32; // EPIPE

    /// <summary>Runs a command of this process, until it has ended or Ctrl+C is pressed.</summary>
    public static async Task<int> RunAsync(string[] args)
    {
        using var interrupted = new CancellationTokenSource();
        Console.CancelKeyPress += (_, press) =>
        {
            // A second one ends the process at once.
            press.Cancel = !interrupted.IsCancellationRequested;
            interrupted.Cancel();
        };
        return await RunAsync(args, ProcessTerminal.Make(), interrupted.Token);
    }

    public static async Task<int> RunAsync(string[] args, Terminal terminal, CancellationToken stop)
    {
        var root = CommandTree.Make(out var help);

        // A word that begins with @ is an address of a domain here, and no file of arguments.
        var parsed = root.Parse(args, new ParserConfiguration { EnablePosixBundling = false, ResponseFileTokenReplacer = null });
        var command = parsed.CommandResult.Command;
        if (parsed.GetResult(help) is not null)
        {
            terminal.Out.Write(HelpText.Of(command));
            return ExitCode.Done;
        }

        if (parsed.Errors.Count > 0 || ArgumentMistake.UnknownOption(parsed, args) is not null || command is not Verb { Run: { } run })
            return Refuse(terminal, ArgumentMistake.Of(parsed, args), ExitCode.Usage);
        using var call = new Call(parsed, terminal, stop);
        return await RunAsync(call, run);
    }

    private static async Task<int> RunAsync(Call call, Func<Call, Task<int>> run)
    {
        try
        {
            var code = await run(call);
            await call.Terminal.Out.FlushAsync();
            return code;
        }
        catch (UsageException error)
        {
            return Refuse(call.Terminal, error.Message, ExitCode.Usage);
        }
        catch (DaemonException error)
        {
            return call.IsJson ? RefuseInJson(call.Terminal, error) : Refuse(call.Terminal, error.Message, ExitCode.Of(error.Trouble));
        }
        catch (OperationCanceledException) when (call.Stop.IsCancellationRequested)
        {
            return ExitCode.Interrupted;
        }
        catch (IOException error) when (error.HResult == BrokenPipe)
        {
            return ExitCode.Done; // whoever read the output has read enough
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or HttpRequestException)
        {
            return Refuse(call.Terminal, Hosting.OneLine.Of(error), ExitCode.Failed);
        }
    }

    private static int RefuseInJson(Terminal terminal, DaemonException error)
    {
        var plain = new JsonObject { ["code"] = error.Code ?? error.Trouble.ToString().ToLowerInvariant(), ["detail"] = error.Message };
        terminal.Error.WriteLine(error is { Code: not null, Answer: { } answer } ? answer : JsonText.Of(plain));
        return ExitCode.Of(error.Trouble);
    }

    private static int Refuse(Terminal terminal, string reason, int code)
    {
        foreach (var line in reason.Split('\n'))
            terminal.Error.WriteLine("mailproxy: " + Plain.Of(line));
        return code;
    }
}
