namespace MailProxy.Pipeline.Send;

/// <summary>No connection could be had: where it failed, and the server's reply if there was one.</summary>
internal sealed class SmtpOpenException(SmtpPhase phase, SmtpReply? reply, bool timedOut, string message, Exception? inner = null) : Exception(message, inner)
{
    public SmtpPhase Phase { get; } = phase;
    public SmtpReply? Reply { get; } = reply;
    public bool TimedOut { get; } = timedOut;
}
