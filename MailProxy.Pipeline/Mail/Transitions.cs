namespace MailProxy.Pipeline.Mail;

/// <summary>The facts about a stored message that a decision needs.</summary>
/// <param name="State">Sending while an attempt is marked.</param>
/// <param name="Accepted">Whether some recipient was accepted.</param>
/// <param name="Ambiguous">Whether some recipient was closed as ambiguous.</param>
/// <param name="InDoubt">Whether it is unknown for some recipient if the server accepted the mail, and it is not closed.</param>
/// <param name="BodyKept">Whether the body was not purged.</param>
internal readonly record struct MessageFacts(
    MessageState State,
    bool Accepted,
    bool Ambiguous,
    bool InDoubt,
    bool BodyKept,
    long? SendAt,
    long ExpiresAt
);

/// <summary>What a change does to a message. A closed set.</summary>
internal abstract record Transition
{
    private Transition() { }

    /// <summary>The state forbids the change.</summary>
    public sealed record Refused(string Code) : Transition;

    /// <summary>The change needs the body, which was purged.</summary>
    public sealed record Purged : Transition;

    /// <summary>The message is already in the wanted state.</summary>
    public sealed record Unchanged : Transition;

    /// <summary>
    /// Becomes final. <paramref name="Rest"/> and <paramref name="Doubt"/> are the new states of recipients that were waiting, or in
    /// doubt.
    /// </summary>
    public sealed record Close(MessageState State, RecipientState Rest, RecipientState Doubt, EventType Event) : Transition;

    /// <summary>Waits for a person.</summary>
    public sealed record Hold(string Reason) : Transition;

    /// <summary>Stays held; only the send time after its release, and its expiry, change.</summary>
    public sealed record HoldUntil(long SendAt, long ExpiresAt) : Transition;

    /// <summary>Waits in another lane; all else stays as it is.</summary>
    public sealed record Move(MessageChange.Reroute To) : Transition;

    /// <summary>
    /// Ready at <paramref name="Due"/> (0: in order of arrival). <paramref name="Anew"/>: the message was final, and recipients that were
    /// not
    /// accepted start over.
    /// </summary>
    public sealed record Wait(MessageState State, long Due, EventType Event, long? SendAt, long ExpiresAt, bool Anew = false) : Transition;
}

/// <summary>Decides which changes a state allows, and what they do.</summary>
internal static class Transitions
{
    /// <summary>The hold reason when a person holds a message.</summary>
    public const string ByPerson = "manual";

    public static Transition Decide(MessageFacts at, MessageChange change, long now) =>
        change switch
        {
            _ when at.State == MessageState.Sending => new Transition.Refused("sending"),
            MessageChange.Retry retry => Retry(at, retry, now),
            _ when at.State.IsFinal() => new Transition.Refused("already_final"),
            MessageChange.Cancel => Cancel(at),
            MessageChange.Hold => at.State == MessageState.Held ? new Transition.Refused("already_held") : new Transition.Hold(ByPerson),
            MessageChange.Release => Release(at, now),
            MessageChange.Reroute reroute => new Transition.Move(reroute),
            MessageChange.Reschedule reschedule => Reschedule(at, reschedule.SendAt, reschedule.ExpiresAt ?? at.ExpiresAt, now),
            _ => throw new ArgumentOutOfRangeException(nameof(change), change, null),
        };

    /// <summary>Expires a message. Accepted recipients make it partially sent, so that the rest is never sent under this id
    /// again.</summary>
    public static Transition.Close Expire(MessageFacts at)
    {
        var state =
            at.Accepted ? MessageState.PartiallySent
            : at.Ambiguous ? MessageState.Ambiguous
            : MessageState.Expired;
        return new(state, RecipientState.Expired, RecipientState.Expired, EventOf(state));
    }

    // By the contract a held message in doubt ends as ambiguous. One in doubt that waits for its retry ends so too, because "cancelled"
    // would
    // claim that nobody has it.
    private static Transition.Close Cancel(MessageFacts at)
    {
        var state = at switch
        {
            { State: MessageState.Held, InDoubt: true } => MessageState.Ambiguous,
            { Accepted: true } => MessageState.PartiallySent,
            { InDoubt: true } or { Ambiguous: true } => MessageState.Ambiguous,
            _ => MessageState.Cancelled,
        };
        return new(state, RecipientState.Cancelled, RecipientState.Ambiguous, EventOf(state));
    }

    private static Transition Release(MessageFacts at, long now) =>
        at.State != MessageState.Held ? new Transition.Refused("not_held")
        : at.SendAt > now ? new Transition.Wait(MessageState.Scheduled, at.SendAt.Value, EventType.MessageReleased, at.SendAt, at.ExpiresAt)
        : new Transition.Wait(MessageState.Queued, 0, EventType.MessageReleased, at.SendAt, at.ExpiresAt);

    private static Transition Retry(MessageFacts at, MessageChange.Retry retry, long now) =>
        at.State switch
        {
            MessageState.Queued => new Transition.Unchanged(),
            MessageState.Deferred or MessageState.Scheduled => new Transition.Wait(
                MessageState.Queued,
                0,
                EventType.MessageQueued,
                null,
                at.ExpiresAt
            ),
            MessageState.Failed or MessageState.Expired => at.BodyKept
                ? new Transition.Wait(
                    MessageState.Queued,
                    0,
                    EventType.MessageQueued,
                    null,
                    at.ExpiresAt > now ? at.ExpiresAt : retry.ExpiresAt,
                    Anew: true
                )
                : new Transition.Purged(),
            // Only release ends a hold; a retry by a script must not undo it.
            MessageState.Held => new Transition.Refused("held"),
            _ => new Transition.Refused("already_final"),
        };

    // A held message may be rescheduled: it stays held, and the new time applies after its release.
    // A time after the expiry is refused, because the message would expire without having been tried.
    private static Transition Reschedule(MessageFacts at, long sendAt, long expiresAt, long now) =>
        sendAt >= expiresAt ? new Transition.Refused("expires_before_send_at")
        : at.State == MessageState.Held ? new Transition.HoldUntil(sendAt, expiresAt)
        : sendAt > now ? new Transition.Wait(MessageState.Scheduled, sendAt, EventType.MessageScheduled, sendAt, expiresAt)
        : at.State == MessageState.Queued && expiresAt == at.ExpiresAt ? new Transition.Unchanged()
        : new Transition.Wait(MessageState.Queued, 0, EventType.MessageQueued, null, expiresAt);

    private static EventType EventOf(MessageState state) =>
        state switch
        {
            MessageState.PartiallySent => EventType.MessagePartiallySent,
            MessageState.Ambiguous => EventType.MessageAmbiguous,
            MessageState.Cancelled => EventType.MessageCancelled,
            MessageState.Expired => EventType.MessageExpired,
            _ => throw new ArgumentOutOfRangeException(nameof(state), state, null),
        };
}
