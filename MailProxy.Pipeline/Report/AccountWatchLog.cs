using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Report;

/// <content>What is told of circuits.</content>
internal sealed partial class AccountWatch
{
    private static partial class Log
    {
        [LoggerMessage(610, LogLevel.Warning, "Account {Account} ({Server}) is left alone until {Until} ({Cause}): {Reply}")]
        public static partial void Opened(ILogger logger, string account, string server, string until, string cause, string reply);

        [LoggerMessage(611, LogLevel.Information, "Account {Account} ({Server}) is used again ({By})")]
        public static partial void Closed(ILogger logger, string account, string server, string by);
    }
}
