using System.Collections.Frozen;
using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage;

/// <summary>
/// Which events a webhook wants. It decides about sending them, and about waiting for their acknowledgement before a purge. Pure.
/// </summary>
internal sealed class Subscription(IReadOnlyList<string> types, bool finalOnly, ReportStyle style)
{
    public static Subscription Of(WebhookEndpoint endpoint) => new(endpoint.Types, endpoint.FinalOnly, endpoint.Style);

    private readonly FrozenSet<string> _types = types.ToFrozenSet(StringComparer.Ordinal);

    /// <summary>
    /// Whether the event's type is wanted; with final_only also whether it is the final event of a message (that a recipient unsubscribed
    /// ends none, and has to be named); with the styles of reports whether they have an entry for it.
    /// </summary>
    public bool Wants(EventType type, bool aboutMessage, MessageState status) =>
        (_types.Count == 0 || _types.Contains(type.Name()))
        && (!finalOnly || (aboutMessage && status.IsFinal() && (type != EventType.MessageUnsubscribed || _types.Count > 0)))
        && (style == ReportStyle.Events || (HasEntry(type, status) && (style != ReportStyle.GenroFinal || IsEnd(type))));

    private static bool IsEnd(EventType type) => type is not (EventType.MessageDeferred or EventType.MessageBounced);

    private static bool HasEntry(EventType type, MessageState status) =>
        type switch
        {
            EventType.MessageAmbiguous or EventType.MessageSuppressed => status.IsFinal(),
            EventType.MessageSent
            or EventType.MessagePartiallySent
            or EventType.MessageFailed
            or EventType.MessageExpired
            or EventType.MessageCancelled
            or EventType.MessageDeferred
            or EventType.MessageBounced => true,
            _ => false,
        };
}
