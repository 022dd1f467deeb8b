using System.Diagnostics;
using MailProxy.Pipeline.Storage.Sql;

namespace MailProxy.Pipeline.Storage.Postgres;

/// <summary>
/// How much mail waits: counted by the database when somebody asks, and shared by all who ask soon after. Several nodes change it, so that
/// none can keep it.
/// </summary>
/// <param name="goodFor">How long a count is told; after one that took long, ten times as long as it took.</param>
internal sealed class PgTally(StoreReaders readers, TimeSpan goodFor) : IWaitingTally
{
    private const int Rest = 10;

    private readonly Lock _gate = new();
    private Task<WaitingCounts>? _counted;
    private long _until; // Stopwatch time

    public int Position => 0;

    public void Forget(int position) { }

    public void Committed() { }

    public void RolledBack() { }

    public async Task<WaitingCounts> ReadAsync()
    {
        Task<WaitingCounts> counted;
        lock (_gate)
        {
            if (_counted is null or { IsFaulted: true } || (_counted.IsCompleted && Stopwatch.GetTimestamp() >= _until))
                _counted = CountAsync();
            counted = _counted;
        }

        var copy = new WaitingCounts();
        copy.Add(await counted);
        return copy;
    }

    private async Task<WaitingCounts> CountAsync()
    {
        var begun = Stopwatch.GetTimestamp();
        var counts = await readers.SnapshotAsync(static session => WaitingCounts.In(session));
        lock (_gate)
        {
            var pause = Math.Max((long)(goodFor.TotalSeconds * Stopwatch.Frequency), (Stopwatch.GetTimestamp() - begun) * Rest);
            _until = goodFor == TimeSpan.Zero ? 0 : Stopwatch.GetTimestamp() + pause;
        }

        return counts;
    }
}
