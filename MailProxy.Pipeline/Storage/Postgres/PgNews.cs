using MailProxy.Pipeline.Storage.Nodes;
using MailProxy.Pipeline.Storage.Sql;

namespace MailProxy.Pipeline.Storage.Postgres;

/// <summary>Takes into this node's memory what other nodes have committed.</summary>
/// <param name="suppressing">The last tenant with suppressions that is known here.</param>
internal sealed class PgNews(StoreReaders readers, EventSignal events, SuppressionRows suppressions, TraceRows traces, long suppressing)
{
    public const string LastSuppressing = "SELECT coalesce(max(number), 0) FROM suppressing_tenants";

    // The server plans a statement once and goes by that until it knows better, and what suits a table without rows reads all of them when
    // there are many. Its own look at a table that grows comes a minute late.
    private const string Analyze = "ANALYZE messages, bodies, recipients, queue, events, attempts, marks";
    private const long FirstAnalysis = 500,
        Growth = 10;

    private long _analyzeAt = FirstAnalysis; // events

    /// <summary>The last tenant with suppressions that is known here.</summary>
    public long Suppressing { get; private set; } = suppressing;

    /// <summary>On the thread of the nodes.</summary>
    public void Take(NodeLook look)
    {
        events.PublishToAll(look.LastEvent);
        if (look.LastEvent >= _analyzeAt)
        {
            _analyzeAt = look.LastEvent * Growth;
            _ = readers
                .ReadAsync(static session => session.Run(Analyze))
                .ContinueWith(static done => _ = done.Exception, TaskContinuationOptions.OnlyOnFaulted); // autovacuum comes to it
        }

        if (look.HasTraces)
            traces.Learn();
        foreach (var (number, tenant) in look.Suppressing)
        {
            suppressions.Learn(tenant);
            Suppressing = number;
        }
    }

    public Task<IReadOnlyList<NodeRow>> NodesAsync() => readers.ReadAsync(PgNodeRows.AllAlive);

    /// <summary>The version of what is configured.</summary>
    public Task<long> ConfigurationAsync() =>
        readers.ReadAsync(static session => session.QueryNumber("SELECT config_version FROM turns") ?? 0);
}
