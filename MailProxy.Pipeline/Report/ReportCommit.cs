using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Storage;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Report;

/// <summary>
/// Commits a batch of marks and settlements. Marks that cannot be written fail at once; settlements are retried until they are written.
/// </summary>
internal sealed partial class ReportCommit(IMessageStore store, TimeProvider clock, ILogger logger)
{
    private static readonly TimeSpan BetweenTries = TimeSpan.FromSeconds(1);

    /// <summary>One result per item; false where the item wrote nothing or its mark failed.</summary>
    public async ValueTask<bool[]> WriteAsync(List<ReportItem> batch, List<StoreWrite?> writes)
    {
        var results = new bool[writes.Count];
        List<int> asked = [.. Enumerable.Range(0, writes.Count).Where(i => writes[i] is not null)];
        if (asked.Count == 0)
            return results;
        try
        {
            Spread(await store.CommitAsync(asked.ConvertAll(i => writes[i]!)));
        }
        catch (StoreUnavailableException error)
        {
            foreach (var item in batch)
                Fault(item, error);
            asked.RemoveAll(i => writes[i] is Mark);
            if (asked.Count > 0)
                Spread(await SettlementsAsync(asked.ConvertAll(i => writes[i]!)));
        }
        catch (Exception error)
        {
            foreach (var item in batch)
                Fault(item, error);
            throw;
        }

        return results;

        void Spread(IReadOnlyList<bool> written)
        {
            for (var i = 0; i < asked.Count; i++)
                results[asked[i]] = written[i];
        }
    }

    /// <summary>
    /// Writes settlements, however long it takes. The store retries by itself; this is for a store that gives up nevertheless. A
    /// settlement that
    /// was written already changes nothing the second time.
    /// </summary>
    public async Task<IReadOnlyList<bool>> SettlementsAsync(IReadOnlyList<StoreWrite> settlements)
    {
        while (true)
        {
            try
            {
                return await store.CommitAsync(settlements);
            }
            catch (StoreUnavailableException error)
            {
                Log.Unavailable(logger, settlements.Count, error);
                await Task.Delay(BetweenTries, clock);
            }
        }
    }

    /// <summary>Fails the promise of a mark; other items have none.</summary>
    public static void Fault(ReportItem item, Exception fault)
    {
        if (item is not Begun begun)
            return;
        begun.Marked.TrySetException(fault);
        _ = begun.Marked.Task.Exception; // observed, even when the sender no longer waits for it
    }

    private static partial class Log
    {
        // At Debug, because the store logs its own trouble once.
        [LoggerMessage(601, LogLevel.Debug, "{Count} outcomes cannot be written now; trying again")]
        public static partial void Unavailable(ILogger logger, int count, Exception fault);
    }
}
