namespace MailProxy.Pipeline.Schedule;

/// <summary>Why an account's mail waits, or that it does not.</summary>
public enum LaneState : byte
{
    Ready = 0,

    /// <summary>Paused by a person.</summary>
    Paused = 1,

    /// <summary>The dispatcher was suspended by a person.</summary>
    Suspended = 2,

    /// <summary>The account's rate limit is used up.</summary>
    AtLimit = 3,

    /// <summary>The account's server is in trouble.</summary>
    BackingOff = 4,

    /// <summary>The store cannot be read or written.</summary>
    StoreTrouble = 5,

    /// <summary>The account was deleted.</summary>
    UnknownAccount = 6,

    /// <summary>Sending was suspended by a person for the account's tenant.</summary>
    TenantSuspended = 7,

    /// <summary>The rate limit of the account's tenant is used up.</summary>
    TenantAtLimit = 8,

    /// <summary>The rate limit of the whole installation is used up.</summary>
    InstallationAtLimit = 9,

    /// <summary>The account's tenant has as many attempts under way as is its share.</summary>
    TenantAtShare = 10,

    /// <summary>The account has as many attempts under way as it may have. Its mail may be overdue all the same.</summary>
    Busy = 11,

    /// <summary>No account of the pool can send now.</summary>
    PoolWaits = 12,

    /// <summary>The account's circuit is half-open, and one of its mails is under way to try it.</summary>
    Probed = 13,

    /// <summary>The account's provider asked for less, and the next goes at the rate that it was slowed to.</summary>
    Slowed = 14,

    /// <summary>Another node that shares the store sends the account's mail.</summary>
    OtherNode = 15,

    /// <summary>The node that sent the account's mail has ended, and none has taken it over yet.</summary>
    NoNode = 16,
}

/// <summary>How one account's lane stands.</summary>
/// <param name="Until">Unix milliseconds when that ends; null: not by itself, or it is ready.</param>
/// <param name="Reason">In words; null when ready.</param>
/// <param name="InFlight">Mails on their way.</param>
/// <param name="Waiting">Tickets in memory; the disk may have more.</param>
public sealed record LaneStatus(LaneState State, long? Until, string? Reason, int InFlight, int Waiting);

/// <summary>One thing that holds a lane's mail.</summary>
/// <param name="Until">Unix milliseconds when that ends; null: not by itself.</param>
/// <param name="Reason">In words; null when nothing holds it.</param>
public sealed record LaneGate(LaneState State, long? Until, string? Reason);
