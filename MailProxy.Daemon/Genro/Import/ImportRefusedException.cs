namespace MailProxy.Daemon.Genro.Import;

/// <summary>Nothing is imported; the message says why, and what to do.</summary>
internal sealed class ImportRefusedException(string message, Exception? inner = null) : Exception(message, inner);
