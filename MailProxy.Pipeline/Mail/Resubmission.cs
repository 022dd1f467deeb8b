namespace MailProxy.Pipeline.Mail;

/// <summary>What happens when an id comes again.</summary>
internal enum Resubmission : byte
{
    /// <summary>The same content: the stored state is the answer, nothing changes.</summary>
    Same = 0,

    /// <summary>Other content takes the place of what has not been sent.</summary>
    Replace = 1,

    /// <summary>The old one ended unsent: the id is free again.</summary>
    Anew = 2,

    /// <summary>Refused: an attempt is marked.</summary>
    Sending = 3,

    /// <summary>Refused: some recipient has, or may have, the old content.</summary>
    AlreadySent = 4,
}

/// <summary>The rules of "the same id again" (HTTP contract, section 2).</summary>
internal static class Resubmissions
{
    /// <param name="state">Sending while an attempt is marked.</param>
    /// <param name="accepted">Some recipient was accepted, or closed as ambiguous.</param>
    public static Resubmission Decide(MessageState state, bool accepted, bool sameContent) =>
        state switch
        {
            // An id that ended unsent is free for any content, the same too: sending it once more is what the client asks for.
            MessageState.Failed or MessageState.Cancelled or MessageState.Expired or MessageState.Suppressed => Resubmission.Anew,
            _ when sameContent => Resubmission.Same,
            MessageState.Sending => Resubmission.Sending,
            MessageState.Sent or MessageState.PartiallySent or MessageState.Ambiguous => Resubmission.AlreadySent,
            _ when accepted => Resubmission.AlreadySent,
            _ => Resubmission.Replace,
        };
}
