using System.Net.Sockets;

namespace MailProxy.Pipeline.Send;

/// <summary>How a transaction ended.</summary>
internal enum TransactionEnd : byte
{
    /// <summary>With a reply.</summary>
    Answered,

    /// <summary>The mark did not come: the connection was dropped before the last of the body, nothing was delivered.</summary>
    Unmarked,

    /// <summary>The connection broke, or what came back is not SMTP.</summary>
    Lost,

    TimedOut,

    /// <summary>We were told to let go.</summary>
    Aborted,

    /// <summary>The addresses could not be put on the wire.</summary>
    BadAddress,
}

/// <summary>What one transaction came to, as facts; <see cref="SmtpVerdict"/> judges them.</summary>
internal sealed class TransactionResult(int recipients)
{
    public TransactionEnd End { get; set; }

    /// <summary>How far it came.</summary>
    public SmtpPhase Phase { get; set; } = SmtpPhase.Mail;

    /// <summary>Whom we talked to.</summary>
    public ServerName Server { get; init; } = new("the server", 0, Accounts.SmtpSecurity.None);

    /// <summary>What was said; null: nobody took it down, or the mail was simply sent.</summary>
    public Transcript? Transcript { get; set; }

    /// <summary>Everybody has it, and nothing else is to be said.</summary>
    public bool IsPlainSuccess =>
        this is { End: TransactionEnd.Answered, Ending.IsPositive: true }
        && Array.TrueForAll(Recipients, static reply => reply is { IsPositive: true });

    /// <summary>MAIL was answered.</summary>
    public bool SenderAnswered { get; set; }

    /// <summary>What ended it was said before the first command could be sent: it is about the connection, not about the mail.</summary>
    public bool Unasked { get; set; }

    /// <summary>Its envelope went out with the end of the mail before.</summary>
    public bool WasAhead { get; init; }

    /// <summary>The envelope of the next mail went out with its end.</summary>
    public bool HadNextBehind { get; set; }

    /// <summary>The body went out with the envelope, so that who got no answer may have it.</summary>
    public bool WholeIsOut { get; set; }

    /// <summary>From the end of the message to its reply.</summary>
    public TimeSpan FinalTook { get; set; }

    /// <summary>It ended before it began: with the connection, or with a 421 instead of the first answer. On a reused connection that
    /// says nothing about the account.</summary>
    public bool NeverBegan =>
        Phase == SmtpPhase.Mail
        && !WholeIsOut
        && (Unasked || Ending is { Code: 421 } || this is { End: TransactionEnd.Lost, SenderAnswered: false, Ending: null });

    /// <summary>
    /// What we sent was never acknowledged (<c>Send:Timeouts:Unacknowledged</c>): packets vanish on the way, and those of another
    /// connection would too.
    /// </summary>
    public bool PathIsSilent =>
        (Fault as SocketException ?? Fault?.InnerException as SocketException)?.SocketErrorCode == SocketError.TimedOut;

    /// <summary>The reply with which it ended, at <see cref="Phase"/>; null when none did, or when every RCPT was refused.</summary>
    public SmtpReply? Ending { get; set; }

    /// <summary>The reply to each RCPT, in the order of the envelope; null: not offered.</summary>
    public SmtpReply?[] Recipients { get; } = new SmtpReply?[recipients];

    /// <summary>What broke it, for the log and the report.</summary>
    public Exception? Fault { get; set; }

    /// <summary>What ended it that was no reply, in words; null: nothing.</summary>
    public string? Trouble =>
        End switch
        {
            TransactionEnd.Answered => null,
            TransactionEnd.TimedOut => "The server took too long.",
            TransactionEnd.Aborted => "The program was told to stop at once.",
            _ => Fault?.Message,
        };

    public bool AnyAccepted => Array.Exists(Recipients, static reply => reply is { IsPositive: true });
}
