namespace MailProxy.Pipeline.Disk;

/// <summary>The store cannot write now (disk full, locked, failing). Try again later.</summary>
public sealed class StoreUnavailableException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>The store's writer has ended: in this process nothing is written any more, and trying again is of no use.</summary>
    public bool IsOver { get; private init; }

    public static StoreUnavailableException Over(Exception why) => new("The store's writer has stopped.", why) { IsOver = true };
}
