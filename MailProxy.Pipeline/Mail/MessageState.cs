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

/// <summary>The names of states and policies in JSON and in queries.</summary>
public static class WireNames
{
    public static bool IsFinal(this MessageState state) => state >= MessageState.Sent;

    public static bool IsFinal(this RecipientState state) => state >= RecipientState.Sent;

    public static string Name(this MessageState state) =>
        state switch
        {
            MessageState.Queued => "queued",
            MessageState.Scheduled => "scheduled",
            MessageState.Held => "held",
            MessageState.Sending => "sending",
            MessageState.Deferred => "deferred",
            MessageState.Sent => "sent",
            MessageState.PartiallySent => "partially_sent",
            MessageState.Failed => "failed",
            MessageState.Ambiguous => "ambiguous",
            MessageState.Cancelled => "cancelled",
            MessageState.Expired => "expired",
            MessageState.Suppressed => "suppressed",
            _ => throw new ArgumentOutOfRangeException(nameof(state), state, null),
        };

    public static string Name(this RecipientState state) =>
        state switch
        {
            RecipientState.Pending => "pending",
            RecipientState.Deferred => "deferred",
            RecipientState.InDoubt => "in_doubt",
            RecipientState.Sent => "sent",
            RecipientState.Failed => "failed",
            RecipientState.Ambiguous => "ambiguous",
            RecipientState.Cancelled => "cancelled",
            RecipientState.Expired => "expired",
            RecipientState.Suppressed => "suppressed",
            _ => throw new ArgumentOutOfRangeException(nameof(state), state, null),
        };

    public static string Name(this Priority priority) =>
        priority switch
        {
            Priority.Immediate => "immediate",
            Priority.High => "high",
            Priority.Medium => "medium",
            Priority.Low => "low",
            _ => throw new ArgumentOutOfRangeException(nameof(priority), priority, null),
        };

    public static string Name(this AmbiguousPolicy policy) =>
        policy switch
        {
            AmbiguousPolicy.Retry => "retry",
            AmbiguousPolicy.Hold => "hold",
            AmbiguousPolicy.AssumeSent => "assume_sent",
            _ => throw new ArgumentOutOfRangeException(nameof(policy), policy, null),
        };

    /// <summary>The state with this wire name, or null.</summary>
    public static MessageState? ParseState(string name)
    {
        foreach (var state in Enum.GetValues<MessageState>())
        {
            if (state.Name() == name)
                return state;
        }

        return null;
    }

    /// <summary>The priority with this wire name or number ("0" to "3"), or null.</summary>
    public static Priority? ParsePriority(string name) =>
        name switch
        {
            "immediate" or "0" => Priority.Immediate,
            "high" or "1" => Priority.High,
            "medium" or "2" => Priority.Medium,
            "low" or "3" => Priority.Low,
            _ => null,
        };
}
