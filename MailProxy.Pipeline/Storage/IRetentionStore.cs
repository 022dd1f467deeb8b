using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage;

/// <summary>
/// Takes away what nobody needs any more, by its state and never by its age alone: only of messages that are final, and only what was
/// reported.
/// </summary>
public interface IRetentionStore
{
    /// <summary>Completes at the first commit after the last <see cref="PurgeAsync"/> began: there may be something to do.</summary>
    Task Changed { get; }

    /// <summary>One slice, short enough not to make the store's writer late. Faults with <see cref="StoreUnavailableException"/>.</summary>
    Task<PurgeSlice> PurgeAsync(RetentionRules rules, long now);

    /// <summary>Gives a slice of the file's free space back to the file system. False: there is none worth it.</summary>
    /// <param name="busy">Others are writing, and will use most of it again.</param>
    Task<bool> ReclaimAsync(bool busy);
}

/// <summary>How long what stays.</summary>
/// <param name="Content">The rule for bodies and attachments that is in force for a tenant.</param>
/// <param name="Undelivered">At least so long the content of what failed or expired, which may be retried; not where the rule is
/// <c>none</c>.</param>
/// <param name="Metadata">Messages without their content, and events, after the last event; a tenant's days are kept if they are
/// more.</param>
/// <param name="Hold">Events, for webhooks that are paused or disabled.</param>
public sealed record RetentionRules(Func<string, Retention> Content, TimeSpan Undelivered, TimeSpan Metadata, TimeSpan Hold)
{
    /// <summary>How long a finished message's content stays, in milliseconds after its last event.</summary>
    public long ContentFor(string tenant, bool undelivered)
    {
        var rule = Content(tenant);
        var days = rule.Days is { } given ? given * 86_400_000L : 0;
        return undelivered && rule != Retention.None ? Math.Max(days, (long)Undelivered.TotalMilliseconds) : days;
    }

    /// <summary>How long the message itself stays, in milliseconds after its last event.</summary>
    public long MetadataFor(string tenant) => Math.Max((long)Metadata.TotalMilliseconds, ContentFor(tenant, undelivered: true));

    /// <summary>A message that ended like this may be queued anew.</summary>
    public static bool IsUndelivered(MessageState state) => state is MessageState.Failed or MessageState.Expired;
}

/// <param name="Contents">Bodies that went.</param>
/// <param name="Messages">Messages that went as a whole.</param>
/// <param name="Events">Events that went.</param>
/// <param name="More">There is more to do at once.</param>
/// <param name="NextDue">When something will be old enough, Unix milliseconds; <see cref="long.MaxValue"/>: nothing will.</param>
public sealed record PurgeSlice(int Contents, int Messages, int Events, bool More, long NextDue);
