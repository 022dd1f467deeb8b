using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>What the writer tells.</summary>
internal static partial class CommitLog
{
    [LoggerMessage(
        700,
        LogLevel.Error,
        "The store cannot write: {Trouble}. Nothing is acknowledged and nothing sent until it can; outcomes are kept."
    )]
    public static partial void Trouble(ILogger logger, string trouble);

    [LoggerMessage(701, LogLevel.Information, "The store can write again.")]
    public static partial void Recovered(ILogger logger);

    [LoggerMessage(702, LogLevel.Critical, "The store's writer has ended because of a mistake in this program.")]
    public static partial void Died(ILogger logger, Exception fault);
}
