using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage;

/// <summary>Erases what the store knows of a person, by the address that mail was sent to.</summary>
public interface IErasure
{
    /// <summary>
    /// One slice, short enough not to make the store's writer late. Whoever is waited for gets no mail any more; may be repeated from the
    /// start at any time.
    /// </summary>
    /// <param name="tenant">Null: every tenant.</param>
    /// <param name="address">As <see cref="Mailbox.Address"/> has it; compared without regard to case.</param>
    /// <param name="after">The last message of the slice before; 0: from the start.</param>
    Task<ErasedSlice> EraseAsync(string? tenant, string address, long after, long now, string actor);
}

/// <summary>What one slice came to.</summary>
/// <param name="Through">To go on from; null: that was the last.</param>
/// <param name="Pending">Messages that are under way, to others or at this moment: their content still names the person.</param>
/// <param name="Lanes">Accounts whose mail has changed, and when it is due.</param>
public sealed record ErasedSlice(
    long? Through,
    ErasedCounts Counts,
    IReadOnlyList<PendingErasure> Pending,
    IReadOnlyList<(AccountKey Account, long Due)> Lanes
);

/// <param name="Messages">Messages that named the person.</param>
/// <param name="Cancelled">Of them those that were not sent and never will be.</param>
/// <param name="Bodies">Bodies that went.</param>
/// <param name="Events">Events that no longer name the person.</param>
/// <param name="Links">Links to large files that ended.</param>
public readonly record struct ErasedCounts(int Messages, int Cancelled, int Bodies, int Events, int Links)
{
    public static ErasedCounts operator +(ErasedCounts a, ErasedCounts b) =>
        new(a.Messages + b.Messages, a.Cancelled + b.Cancelled, a.Bodies + b.Bodies, a.Events + b.Events, a.Links + b.Links);
}

public sealed record PendingErasure(MessageKey Key, MessageState State);
