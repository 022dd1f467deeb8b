namespace MailProxy.Pipeline.Mail;

/// <summary>The names that event types have in JSON.</summary>
public static class EventNames
{
    public static readonly Names<EventType> All = new(
        ("message.queued", EventType.MessageQueued),
        ("message.scheduled", EventType.MessageScheduled),
        ("message.held", EventType.MessageHeld),
        ("message.released", EventType.MessageReleased),
        ("message.replaced", EventType.MessageReplaced),
        ("message.deferred", EventType.MessageDeferred),
        ("message.sent", EventType.MessageSent),
        ("message.partially_sent", EventType.MessagePartiallySent),
        ("message.failed", EventType.MessageFailed),
        ("message.ambiguous", EventType.MessageAmbiguous),
        ("message.bounced", EventType.MessageBounced),
        ("message.suppressed", EventType.MessageSuppressed),
        ("message.cancelled", EventType.MessageCancelled),
        ("message.expired", EventType.MessageExpired),
        ("message.unsubscribed", EventType.MessageUnsubscribed),
        ("account.throttled", EventType.AccountThrottled),
        ("account.circuit_opened", EventType.AccountCircuitOpened),
        ("account.circuit_closed", EventType.AccountCircuitClosed),
        ("account.auth_failed", EventType.AccountAuthFailed),
        ("account.secret_expiring", EventType.AccountSecretExpiring),
        ("webhook.disabled", EventType.WebhookDisabled)
    );

    public static string Name(this EventType type) => All.Of(type);
}
