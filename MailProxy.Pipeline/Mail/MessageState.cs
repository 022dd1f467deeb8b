namespace MailProxy.Pipeline.Mail;

/// <summary>The state of a message. Stored as a number: never renumber. Everything from <see cref="Sent"/> on is final.</summary>
public enum MessageState : byte
{
    Queued = 0,
    Scheduled = 1,
    Held = 2,
    Sending = 3,
    Deferred = 4,
    Sent = 10,
    PartiallySent = 11,
    Failed = 12,
    Ambiguous = 13,
    Cancelled = 14,
    Expired = 15,
    Suppressed = 16,
}

/// <summary>
/// The state of one recipient of a message. Stored as a number: never renumber. Everything from <see cref="Sent"/> on is final.
/// </summary>
public enum RecipientState : byte
{
    Pending = 0,
    Deferred = 1,
    InDoubt = 2,
    Sent = 10,
    Failed = 12,
    Ambiguous = 13,
    Cancelled = 14,
    Expired = 15,
    Suppressed = 16,
}

/// <summary>What to do with recipients for which it is unknown whether the server accepted the mail.</summary>
public enum AmbiguousPolicy : byte
{
    Retry = 0,
    Hold = 1,
    AssumeSent = 2,
}
