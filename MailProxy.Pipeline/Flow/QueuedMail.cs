using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Flow;

// Persist → Schedule.

/// <summary>A ticket: one queued mail without its body. Whoever holds it has claimed the mail in the store.</summary>
/// <param name="Id">Arrival number, the store's own id.</param>
/// <param name="Attempt">Compared at the mark; raised whenever an attempt ends, so that an old ticket is stale.</param>
/// <param name="Due">0: by arrival; else not before this time.</param>
/// <param name="Recipients">How many recipients still want this round.</param>
public readonly record struct QueuedMail(long Id, int Revision, LaneKey Lane, Priority Priority, int Attempt, long Due, int Recipients)
{
    /// <summary>Of a pool's mail: ids of accounts that it may not go by, with commas between; null: none.</summary>
    public string? NotBy { get; init; }

    /// <summary>Of a pool's mail: accounts that have no room for its domains just now; null: none is known.</summary>
    public PassedOver? Passed { get; init; }

    /// <summary>Its batch, which takes turns with others in its lane. Not told of attempts that a start finds.</summary>
    public FlowKey Flow { get; init; }
}
