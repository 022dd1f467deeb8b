using MailProxy.Pipeline.Storage;

namespace MailProxy.Pipeline.Mail;

/// <summary>What a decision about a stored message looks at.</summary>
/// <param name="State">Sending while an attempt is marked.</param>
/// <param name="Accepted">Some recipient was accepted.</param>
/// <param name="Ambiguous">Some recipient was closed as ambiguous.</param>
/// <param name="InDoubt">Of some recipient nobody knows whether the server took the mail, and it is not closed.</param>
/// <param name="BodyKept">The body was not purged.</param>
internal readonly record struct MessageFacts(
    MessageState State,
    bool Accepted,
    bool Ambiguous,
    bool InDoubt,
    bool BodyKept,
    long? SendAt,
    long ExpiresAt
);

/// <summary>What a change does to a message: a closed set.</summary>
internal abstract record Transition
{
    private Transition() { }

    /// <summary>The state forbids it.</summary>
    public sealed record Refused(string Code) : Transition;

    /// <summary>It needs the body, and that is gone.</summary>
    public sealed record Purged : Transition;

    /// <summary>It is so already.</summary>
    public sealed record Unchanged : Transition;

    /// <summary>
    /// Final. <paramref name="Rest"/> and <paramref name="Doubt"/>: what recipients become that were waiting, or in doubt.
    /// </summary>
    public sealed record Close(MessageState State, RecipientState Rest, RecipientState Doubt, EventType Event) : Transition;

    /// <summary>Waits for a person.</summary>
    public sealed record Hold(string Reason) : Transition;

    /// <summary>Stays held; only the time it may go out after its release changes, and its expiry.</summary>
    public sealed record HoldUntil(long SendAt, long ExpiresAt) : Transition;

    /// <summary>
    /// Ready at <paramref name="Due"/> (0: by arrival). <paramref name="Anew"/>: it was final; recipients that were not accepted start
    /// over.
    /// </summary>
    public sealed record Wait(MessageState State, long Due, EventType Event, long? SendAt, long ExpiresAt, bool Anew = false) : Transition;
}

/// <summary>Which change a state allows and what comes of it.</summary>
internal static class Transitions
{
    /// <summary>The hold reason of a person's hold.</summary>
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
            MessageChange.Reschedule reschedule => Reschedule(at, reschedule.SendAt, reschedule.ExpiresAt ?? at.ExpiresAt, now),
            _ => throw new ArgumentOutOfRangeException(nameof(change), change, null),
        };

    /// <summary>The time is over. What was accepted counts, so that the rest is never sent under this id again.</summary>
    public static Transition.Close Expire(MessageFacts at)
    {
        var state =
            at.Accepted ? MessageState.PartiallySent
            : at.Ambiguous ? MessageState.Ambiguous
            : MessageState.Expired;
        return new(state, RecipientState.Expired, RecipientState.Expired, EventOf(state));
    }

    // A held message in doubt ends as ambiguous by the contract. One in doubt that waits for its retry ends so too: "cancelled" would say
    // that nobody has it.
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
            // release is the word for it; a retry by a script must not undo a person's hold
            MessageState.Held => new Transition.Refused("held"),
            _ => new Transition.Refused("already_final"),
        };

    // A held message may be rescheduled: it stays held, and its release looks at the new time.
    // A time behind the expiry is refused, because the message would end as expired without having been tried.
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
