using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage;

/// <summary>Erases what the store knows about a person, by the address that mail was sent to.</summary>
public interface IErasure
{
    /// <summary>
    /// Erases one slice, short enough not to delay the store's writer. Mail to the person that still waits is not sent. May be repeated
    /// from the
    /// beginning at any time.
    /// </summary>
    /// <param name="tenant">Null: every tenant.</param>
    /// <param name="address">In the form of <see cref="Mailbox.Address"/>; compared without regard to case.</param>
    /// <param name="after">The last message of the previous slice; 0 to begin.</param>
    Task<ErasedSlice> EraseAsync(string? tenant, string address, long after, long now, string actor);
}

/// <summary>The result of one slice.</summary>
/// <param name="Through">Where the next slice begins; null when this was the last.</param>
/// <param name="Pending">Messages to other recipients, or being sent at this moment: their content still names the person.</param>
/// <param name="Lanes">Lanes whose mail has changed, and when it is due.</param>
public sealed record ErasedSlice(
    long? Through,
    ErasedCounts Counts,
    IReadOnlyList<PendingErasure> Pending,
    IReadOnlyList<(LaneKey Lane, long Due)> Lanes
);

/// <param name="Messages">Messages that named the person.</param>
/// <param name="Cancelled">Those of them that were not sent and never will be.</param>
/// <param name="Bodies">Bodies that were deleted.</param>
/// <param name="Events">Events that no longer name the person.</param>
/// <param name="Links">Links to large files that were ended.</param>
public readonly record struct ErasedCounts(int Messages, int Cancelled, int Bodies, int Events, int Links)
{
    public static ErasedCounts operator +(ErasedCounts a, ErasedCounts b) =>
        new(a.Messages + b.Messages, a.Cancelled + b.Cancelled, a.Bodies + b.Bodies, a.Events + b.Events, a.Links + b.Links);
}

public sealed record PendingErasure(MessageKey Key, MessageState State);
