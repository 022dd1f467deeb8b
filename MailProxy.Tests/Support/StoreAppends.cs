using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Tests.Support;

internal static class StoreAppends
{
    /// <summary>Stores what is known beforehand.</summary>
    public static Task<Appended> AppendNowAsync(this IMessageStore store, IReadOnlyList<AcceptedBatch> batches) =>
        store.AppendAsync(() => batches);
}
