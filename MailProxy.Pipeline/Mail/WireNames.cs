namespace MailProxy.Pipeline.Mail;

/// <summary>The names of states, priorities and policies in JSON and in queries.</summary>
public static class WireNames
{
    public static readonly Names<MessageState> States = new(
        ("queued", MessageState.Queued),
        ("scheduled", MessageState.Scheduled),
        ("held", MessageState.Held),
        ("sending", MessageState.Sending),
        ("deferred", MessageState.Deferred),
        ("sent", MessageState.Sent),
        ("partially_sent", MessageState.PartiallySent),
        ("failed", MessageState.Failed),
        ("ambiguous", MessageState.Ambiguous),
        ("cancelled", MessageState.Cancelled),
        ("expired", MessageState.Expired),
        ("suppressed", MessageState.Suppressed)
    );

    public static readonly Names<RecipientState> RecipientStates = new(
        ("pending", RecipientState.Pending),
        ("deferred", RecipientState.Deferred),
        ("in_doubt", RecipientState.InDoubt),
        ("sent", RecipientState.Sent),
        ("failed", RecipientState.Failed),
        ("ambiguous", RecipientState.Ambiguous),
        ("cancelled", RecipientState.Cancelled),
        ("expired", RecipientState.Expired),
        ("suppressed", RecipientState.Suppressed)
    );

    public static readonly Names<Priority> Priorities = new(
        ("immediate", Priority.Immediate),
        ("high", Priority.High),
        ("medium", Priority.Medium),
        ("low", Priority.Low)
    );

    public static readonly Names<AmbiguousPolicy> Policies = new(
        ("retry", AmbiguousPolicy.Retry),
        ("hold", AmbiguousPolicy.Hold),
        ("assume_sent", AmbiguousPolicy.AssumeSent)
    );

    /// <summary>For a person.</summary>
    public static readonly string PriorityRule = $"One of {Priorities.Listed}, or 0 to 3.";

    public static bool IsFinal(this MessageState state) => state >= MessageState.Sent;

    public static bool IsFinal(this RecipientState state) => state >= RecipientState.Sent;

    public static string Name(this MessageState state) => States.Of(state);

    public static string Name(this RecipientState state) => RecipientStates.Of(state);

    public static string Name(this Priority priority) => Priorities.Of(priority);

    public static string Name(this AmbiguousPolicy policy) => Policies.Of(policy);

    /// <summary>The state with this name, or null.</summary>
    public static MessageState? ParseState(string name) => States.Find(name);

    /// <summary>The priority with this name or number ("0" to "3"), or null.</summary>
    public static Priority? ParsePriority(string name) => name is [>= '0' and <= '3'] ? (Priority)(name[0] - '0') : Priorities.Find(name);
}
