namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>How far an attempt has come, as its mark tells.</summary>
internal enum FlightPhase : byte
{
    /// <summary>The slot is free.</summary>
    None = 0,

    /// <summary>The attempt may begin; the last block of the body has not gone out.</summary>
    Marked = 1,

    /// <summary>The last block of the body goes out: from here on the server may have the message.</summary>
    Out = 2,

    /// <summary>The server has answered, and the slot says what.</summary>
    Answered = 3,
}
