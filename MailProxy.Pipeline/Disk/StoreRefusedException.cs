namespace MailProxy.Pipeline.Disk;

/// <summary>The store file is newer than this program, not ours, or damaged. The program must not start.</summary>
public sealed class StoreRefusedException(string message, Exception? inner = null) : Exception(message, inner);
