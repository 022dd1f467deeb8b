using System.CommandLine;

namespace MailProxy.Daemon.Cli.Verbs;

/// <summary>Asks before something is done that is not easily undone.</summary>
internal static class Asking
{
    public static Option<bool> Yes() => Words.Flag("--yes", "Do not ask.");

    /// <exception cref="UsageException">Nobody is there to be asked.</exception>
    public static bool Confirm(Call call, string question, bool yes)
    {
        if (yes)
            return true;
        if (!call.Terminal.IsInteractive)
            throw new UsageException($"{question} Nobody is there to be asked: say --yes.");
        call.Terminal.Error.Write(Output.Plain.Of(question) + " [y/N] ");
        return call.Terminal.In.ReadLine()?.Trim() is "y" or "Y" or "yes";
    }
}
