namespace MailProxy.Pipeline.Send;

/// <summary>An envelope that went out with the end of the mail before, and what is known of its answers.</summary>
internal sealed class EnvelopeAhead(Envelope envelope, TransactionResult result)
{
    public Envelope Envelope => envelope;

    public TransactionResult Result => result;

    /// <summary>Its replies were read already, up to <see cref="Go"/> or <see cref="Fault"/>.</summary>
    public bool IsRead { get; set; }

    /// <summary>The reply to DATA.</summary>
    public SmtpReply? Go { get; set; }

    /// <summary>What broke the conversation before that.</summary>
    public Exception? Fault { get; set; }
}

/// <summary>The mail whose envelope goes out with the end of the one before.</summary>
/// <param name="IsProven">The server is known to answer in step.</param>
/// <param name="Mark">Of a mail that goes out whole; null: only its envelope does.</param>
/// <param name="Goes">Called when the whole mail goes out.</param>
internal sealed record NextEnvelope(Outgoing Mail, bool IsProven, AttemptMark? Mark = null, Action? Goes = null);
