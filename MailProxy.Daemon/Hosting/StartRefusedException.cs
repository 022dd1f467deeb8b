namespace MailProxy.Daemon.Hosting;

/// <summary>The machine does not let the daemon start; the message tells in one line why, and what to do.</summary>
internal sealed class StartRefusedException(string message, Exception? inner = null) : Exception(message, inner);
