namespace MailProxy.Pipeline.Disk;

/// <summary>The store cannot write now (disk full, locked, failing). Try again later.</summary>
public sealed class StoreUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
