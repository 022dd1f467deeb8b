using MailProxy.Daemon.Client;

namespace MailProxy.Daemon.Cli;

/// <summary>How commands end; docs/reference/cli.md has the table.</summary>
internal static class ExitCode
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int Usage = 2;
    public const int Unreachable = 3;
    public const int Refused = 4;
    public const int NotFound = 5;
    public const int Conflict = 6;
    public const int Interrupted = 130;

    /// <summary>Each with what it says, for the help and the reference.</summary>
    public static readonly IReadOnlyList<(int Code, string Meaning)> All =
    [
        (Done, "done, and what was asked for is so"),
        (Failed, "it was tried and failed: a test found trouble, a message was not sent, the daemon could not"),
        (Usage, "wrong arguments, a wrong file, wrong settings, or a request that the daemon calls invalid"),
        (Unreachable, "the daemon cannot be reached"),
        (Refused, "there is no key, or it may not do this"),
        (NotFound, "there is no such object"),
        (Conflict, "the state of the object forbids it, or somebody else changed it meanwhile"),
        (Interrupted, "interrupted (Ctrl+C)"),
    ];

    public static int Of(DaemonTrouble trouble) =>
        trouble switch
        {
            DaemonTrouble.Unreachable => Unreachable,
            DaemonTrouble.Refused => Refused,
            DaemonTrouble.NotFound => NotFound,
            DaemonTrouble.Conflict => Conflict,
            DaemonTrouble.Invalid => Usage,
            _ => Failed,
        };
}

/// <summary>What was typed, or a file that was named, is wrong; the message says what, and what to write.</summary>
internal sealed class UsageException(string message, Exception? inner = null) : Exception(message, inner);
