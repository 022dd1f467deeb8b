using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage;

/// <summary>
/// Purges what is no longer needed. It decides by state and never by age alone: only messages that are final are purged, and only what was
/// reported.
/// </summary>
public interface IRetentionStore
{
    /// <summary>Completes at the first commit after the last <see cref="PurgeAsync"/> began, when there may be something to do.</summary>
    Task Changed { get; }

    /// <summary>Purges one slice, short enough not to delay the store's writer. Faults with <see
    /// cref="StoreUnavailableException"/>.</summary>
    Task<PurgeSlice> PurgeAsync(RetentionRules rules, long now);

    /// <summary>Returns a part of the file's free space to the file system. False when there is not enough to be worth it.</summary>
    /// <param name="busy">Whether others are writing, and will use most of the space again.</param>
    Task<bool> ReclaimAsync(bool busy);
}

/// <summary>How long data is kept.</summary>
/// <param name="Content">The rule for bodies and attachments that is in force for a tenant.</param>
/// <param name="Undelivered">
/// The minimum time for the content of failed or expired messages, which may be retried; not applied where the rule is <c>none</c>.
/// </param>
/// <param name="Metadata">
/// The time for messages without their content, and for events, after the last event; a tenant's content days apply if they are more.
/// </param>
/// <param name="Hold">The time for events that wait for paused or disabled webhooks.</param>
public sealed record RetentionRules(Func<string, Retention> Content, TimeSpan Undelivered, TimeSpan Metadata, TimeSpan Hold)
{
    /// <summary>The time for what was said in attempts, after their end, whatever became of the message.</summary>
    public TimeSpan Dialogues { get; init; } = TimeSpan.FromDays(7);

    /// <summary>How long a finished message's content is kept, in milliseconds after its last event.</summary>
    public long ContentFor(string tenant, bool undelivered)
    {
        var rule = Content(tenant);
        var days = rule.Days is { } given ? given * 86_400_000L : 0;
        return undelivered && rule != Retention.None ? Math.Max(days, (long)Undelivered.TotalMilliseconds) : days;
    }

    /// <summary>How long the message itself is kept, in milliseconds after its last event.</summary>
    public long MetadataFor(string tenant) => Math.Max((long)Metadata.TotalMilliseconds, ContentFor(tenant, undelivered: true));

    /// <summary>Whether a message with this final state may be queued again.</summary>
    public static bool IsUndelivered(MessageState state) => state is MessageState.Failed or MessageState.Expired;
}

/// <param name="Contents">Bodies that were deleted.</param>
/// <param name="Messages">Messages that were deleted entirely.</param>
/// <param name="Events">Events that were deleted.</param>
/// <param name="More">Whether there is more to do at once.</param>
/// <param name="NextDue">When something will be old enough, Unix milliseconds; <see cref="long.MaxValue"/>: nothing will.</param>
public sealed record PurgeSlice(int Contents, int Messages, int Events, bool More, long NextDue);
