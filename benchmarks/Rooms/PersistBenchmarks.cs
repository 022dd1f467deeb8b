using BenchmarkDotNet.Attributes;
using MailProxy.Pipeline;

namespace MailProxy.Benchmarks.Rooms;

/// <summary>Store a batch, from the room's request to the commit. A submission is stored once, so each iteration brings a new one.</summary>
[MemoryDiagnoser]
public class PersistBenchmarks
{
    private RoomFixture _room = null!;
    private AcceptedBatch _batch = null!;

    [Params(1, 100)]
    public int Messages { get; set; }

    [GlobalSetup]
    public void Open() => _room = new();

    [GlobalCleanup]
    public void Close() => _room.Dispose();

    [IterationSetup]
    public void Fresh() => _batch = _room.Batch(Messages);

    [Benchmark]
    public async Task<int> Append() => (await _room.Store.AppendAsync([_batch])).Tickets.Count;
}
