using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Api;

/// <summary>Says why a message waits: the first gate it would meet. Pure.</summary>
internal static class WaitReason
{
    public static WaitAnswer? Of(MessageView message, bool suspended, LaneWait? lane, long now, string? setAsideFor = null)
    {
        if (message.State.IsFinal()) return null;

        return message.State switch
        {
            MessageState.Held => new("person", null, message.HoldReason is null ? "Held until released." : $"Held until released: {message.HoldReason}."),
            MessageState.Sending => new("attempt", null, "An attempt is under way."),
            _ when message.BatchSuspended => new("batch_suspended", null, "Its batch was suspended by a person."),
            _ when message.NextAttemptAt > now && message.State == MessageState.Deferred => new("retry", Times.Utc(message.NextAttemptAt), LastReply(message)),
            _ when message.NextAttemptAt > now => new("send_at", Times.Utc(message.NextAttemptAt), "Not before its send_at."),
            _ when suspended => Suspended,
            _ when setAsideFor is not null => new("attachments", null, setAsideFor),
            _ => Of(lane) ?? new("turn", null, "It goes as soon as its turn comes."),
        };
    }

    public static WaitAnswer Suspended => new("dispatcher_suspended", null, "The dispatcher was suspended by a person.");

    public static WaitAnswer? Of(LaneWait? lane) => lane is null ? null : new(lane.Reason, Times.Utc(lane.Until), lane.Detail);

    private static string LastReply(MessageView message)
    {
        foreach (var recipient in message.Recipients)
        {
            if (recipient.State == RecipientState.Deferred && recipient.Reply is { } reply) return $"The last attempt ended with: {reply}";
        }

        return "The last attempt did not succeed.";
    }
}
