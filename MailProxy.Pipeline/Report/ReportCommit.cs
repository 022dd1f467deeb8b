using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Report;

/// <summary>One commit for a batch of settlements, which are written however long it takes.</summary>
internal sealed partial class ReportCommit(IMessageStore store, TimeProvider clock, ILogger logger)
{
    private static readonly TimeSpan BetweenTries = TimeSpan.FromSeconds(1);

    /// <summary>One result for each; false where nothing was asked of the store, or where nothing changed.</summary>
    public async ValueTask<bool[]> WriteAsync(IReadOnlyList<Settlement?> settlements)
    {
        var results = new bool[settlements.Count];
        List<int> asked = [.. Enumerable.Range(0, settlements.Count).Where(i => settlements[i] is not null)];
        if (asked.Count == 0)
            return results;
        var written = await CommitAsync(asked.ConvertAll(i => settlements[i]!));
        for (var i = 0; i < asked.Count; i++)
            results[asked[i]] = written[i];
        return results;
    }

    // The store tries again by itself; this is for one that gives up all the same. A settlement that was written already changes nothing
    // the second time.
    private async Task<IReadOnlyList<bool>> CommitAsync(IReadOnlyList<Settlement> settlements)
    {
        while (true)
        {
            try
            {
                return await store.CommitAsync(settlements);
            }
            catch (StoreUnavailableException error) when (!error.IsOver)
            {
                Log.Unavailable(logger, settlements.Count, error);
                await Task.Delay(BetweenTries, clock);
            }
        }
    }

    private static partial class Log
    {
        // At Debug, because the store logs its own trouble once.
        [LoggerMessage(601, LogLevel.Debug, "{Count} outcomes cannot be written now; trying again")]
        public static partial void Unavailable(ILogger logger, int count, Exception fault);
    }
}
