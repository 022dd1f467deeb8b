namespace MailProxy.Daemon.Api;

/// <summary>Tells the log when a person stops something or lets it go: the first thing to look for when mail does not move. The audit log
/// has it too, with everything else.</summary>
internal sealed partial class OperatorLog(ILogger<OperatorLog> logger)
{
    public void Switched(bool stopped, string what, string actor)
    {
        if (stopped)
            Log.Stopped(logger, what, actor);
        else
            Log.Resumed(logger, what, actor);
    }

    private static partial class Log
    {
        [LoggerMessage(940, LogLevel.Warning, "{What} was stopped by {Actor}; its mail waits")]
        public static partial void Stopped(ILogger logger, string what, string actor);

        [LoggerMessage(941, LogLevel.Information, "{What} goes on, by {Actor}")]
        public static partial void Resumed(ILogger logger, string what, string actor);
    }
}
