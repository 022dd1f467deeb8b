using System.Collections.Frozen;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage;

/// <summary>
/// Which events a webhook wants: what decides on sending them, and on waiting for its answer before something is purged. Pure.
/// </summary>
internal sealed class Subscription(IReadOnlyList<string> types, bool finalOnly, ReportStyle style)
{
    public static Subscription Of(WebhookEndpoint endpoint) => new(endpoint.Types, endpoint.FinalOnly, endpoint.Style);

    private readonly FrozenSet<string> _types = types.ToFrozenSet(StringComparer.Ordinal);

    /// <summary>
    /// Of the types wanted; with final_only, those that say a message's last word; with style sync, those that its reports have an entry
    /// for.
    /// </summary>
    public bool Wants(EventType type, bool aboutMessage, MessageState status) =>
        (_types.Count == 0 || _types.Contains(type.Name()))
        && (!finalOnly || (aboutMessage && status.IsFinal()))
        && (style != ReportStyle.Sync || HasEntry(type, status));

    private static bool HasEntry(EventType type, MessageState status) =>
        type switch
        {
            EventType.MessageAmbiguous => status.IsFinal(),
            EventType.MessageSent
            or EventType.MessagePartiallySent
            or EventType.MessageFailed
            or EventType.MessageExpired
            or EventType.MessageCancelled
            or EventType.MessageSuppressed
            or EventType.MessageDeferred
            or EventType.MessageBounced => true,
            _ => false,
        };
}
