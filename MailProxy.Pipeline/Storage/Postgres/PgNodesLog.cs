using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Storage.Postgres;

/// <content>What is told of the nodes.</content>
internal sealed partial class PgNodes
{
    private static partial class Log
    {
        [LoggerMessage(
            730,
            LogLevel.Error,
            "The node {Node} (session {Session}) has not beaten for {Seconds} s and was declared dead; the others send its mail"
        )]
        public static partial void DeclaredDead(ILogger logger, string node, long session, double seconds);

        [LoggerMessage(731, LogLevel.Warning, "The other nodes cannot be seen: {Trouble}")]
        public static partial void Troubled(ILogger logger, string trouble);

        [LoggerMessage(732, LogLevel.Information, "The other nodes can be seen again")]
        public static partial void Again(ILogger logger);

        [LoggerMessage(733, LogLevel.Critical, "This node is one of several no longer: {Reason}")]
        public static partial void Ended(ILogger logger, string reason);
    }
}
