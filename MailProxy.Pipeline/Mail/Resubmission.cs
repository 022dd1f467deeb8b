namespace MailProxy.Pipeline.Mail;

/// <summary>What happens when an id is submitted again.</summary>
internal enum Resubmission : byte
{
    /// <summary>The same content: the stored state is the answer, and nothing changes.</summary>
    Same = 0,

    /// <summary>Other content replaces a message that has not been sent.</summary>
    Replace = 1,

    /// <summary>The earlier message ended unsent, so the id is free again.</summary>
    Anew = 2,

    /// <summary>Refused: an attempt is marked.</summary>
    Sending = 3,

    /// <summary>Refused: some recipient has, or may have, the earlier content.</summary>
    AlreadySent = 4,
}

/// <summary>The rules for submitting the same id again (HTTP contract, section 2).</summary>
internal static class Resubmissions
{
    /// <param name="state">Sending while an attempt is marked.</param>
    /// <param name="accepted">Whether some recipient was accepted, or closed as ambiguous.</param>
    public static Resubmission Decide(MessageState state, bool accepted, bool sameContent) =>
        state switch
        {
            // An id that ended unsent is free for any content, including the same: the client asks to send it once more.
            MessageState.Failed or MessageState.Cancelled or MessageState.Expired or MessageState.Suppressed => Resubmission.Anew,
            _ when sameContent => Resubmission.Same,
            MessageState.Sending => Resubmission.Sending,
            MessageState.Sent or MessageState.PartiallySent or MessageState.Ambiguous => Resubmission.AlreadySent,
            _ when accepted => Resubmission.AlreadySent,
            _ => Resubmission.Replace,
        };
}
