namespace MailProxy.Pipeline.Send;

/// <summary>How far a conversation came; in the order in which it goes.</summary>
internal enum SmtpPhase : byte
{
    Connect,
    Handshake,
    Greeting,
    Hello,
    StartTls,
    Authenticate,
    Idle,
    Mail,
    Recipient,
    Data,
    Body,

    /// <summary>The last of the body was handed over: from here on the server may have taken the mail.</summary>
    Final,
}
