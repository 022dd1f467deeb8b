namespace MailProxy.Pipeline.Disk;

/// <summary>The store cannot write now (disk full, locked, failing). Try again later.</summary>
public class StoreUnavailableException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The store's writer has ended: in this process nothing is written any more, and trying again is of no use.</summary>
public sealed class StoreEndedException(Exception why) : StoreUnavailableException("The store's writer has stopped.", why);
