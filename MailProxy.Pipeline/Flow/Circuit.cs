using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Flow;

/// <summary>Whether an account's mail may go.</summary>
public enum CircuitState : byte
{
    /// <summary>All of it.</summary>
    Closed = 0,

    /// <summary>None, until a time.</summary>
    Open = 1,

    /// <summary>One message at a time, which tries the account.</summary>
    HalfOpen = 2,
}

/// <summary>The trouble of one account, from its first sign until one message gets through. Times are Unix milliseconds. Immutable.
/// </summary>
public sealed record Circuit
{
    /// <summary>The names of its states.</summary>
    public static readonly Names<CircuitState> States = new(
        ("closed", CircuitState.Closed),
        ("open", CircuitState.Open),
        ("half_open", CircuitState.HalfOpen)
    );

    /// <summary>Every word that <see cref="CauseOf"/> answers.</summary>
    public static readonly IReadOnlyList<string> Causes =
    [
        "authentication",
        "connection",
        "tls",
        "protocol",
        "quota",
        "throttled",
        "configuration",
    ];

    /// <summary>What was said last.</summary>
    public required AccountTrouble Trouble { get; init; }

    /// <summary>When it first opened.</summary>
    public required long Since { get; init; }

    /// <summary>When it was opened last.</summary>
    public required long From { get; init; }

    /// <summary>Until when nothing goes; after that, one message.</summary>
    public required long Until { get; init; }

    /// <summary>Failures in a row; those of one moment are one.</summary>
    public required int Failures { get; init; }

    /// <summary>The version of the account that is in trouble.</summary>
    public required long Version { get; init; }

    /// <summary>Which events were written of it, each once.</summary>
    public IReadOnlyList<EventType> Told { get; init; } = [];

    public AccountKey Account => Trouble.Account;

    public string Cause => CauseOf(Trouble.Kind);

    // A time before the beginning means that the clock was set back; the account must not wait that hour in addition.
    public bool IsOpen(long now) => now >= From && now < Until;

    public CircuitState StateAt(long now) => IsOpen(now) ? CircuitState.Open : CircuitState.HalfOpen;

    /// <summary>The word for what a circuit is open for.</summary>
    public static string CauseOf(TroubleKind kind) =>
        kind switch
        {
            TroubleKind.Authentication => "authentication",
            TroubleKind.Connect or TroubleKind.Greeting => "connection",
            TroubleKind.Tls => "tls",
            TroubleKind.Protocol => "protocol",
            TroubleKind.Quota => "quota",
            TroubleKind.Throttled => "throttled",
            _ => "configuration",
        };
}
