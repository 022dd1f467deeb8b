namespace MailProxy.Daemon.Client;

/// <summary>Why a daemon did not do what it was asked for.</summary>
internal enum DaemonTrouble
{
    /// <summary>It cannot be reached, or does not answer in time.</summary>
    Unreachable,

    /// <summary>The key is missing, not known, or may not do this.</summary>
    Refused,

    /// <summary>There is no such object.</summary>
    NotFound,

    /// <summary>The state of the object forbids it, or somebody else changed it.</summary>
    Conflict,

    /// <summary>What was asked is no valid request.</summary>
    Invalid,

    /// <summary>It cannot now, or failed.</summary>
    Failed,
}

/// <summary>A daemon did not do what it was asked for; the message says why and what to do, a line for each mistake.</summary>
internal sealed class DaemonException(DaemonTrouble trouble, string message, Exception? inner = null) : Exception(message, inner)
{
    public DaemonTrouble Trouble => trouble;

    /// <summary>The code of the refusal; null: none came.</summary>
    public string? Code { get; init; }

    /// <summary>The daemon's own answer, as JSON; null: none came.</summary>
    public string? Answer { get; init; }
}
