using BenchmarkDotNet.Attributes;
using MailProxy.Pipeline.Flow;
using MailProxy.Tests.Support;

namespace MailProxy.Benchmarks.Stages;

/// <summary>
/// Store a batch, from the stage's request to the commit. A submission is stored once, so each iteration brings a new one.
/// </summary>
[MemoryDiagnoser]
public class PersistBenchmarks
{
    private StageFixture _fixture = null!;
    private AcceptedBatch _batch = null!;

    [Params(1, 100)]
    public int Messages { get; set; }

    [GlobalSetup]
    public void Open() => _fixture = new();

    [GlobalCleanup]
    public void Close() => _fixture.Dispose();

    [IterationSetup]
    public void Fresh() => _batch = _fixture.Batch(Messages);

    [Benchmark]
    public async Task<int> Append() => (await _fixture.Store.AppendNowAsync([_batch])).Tickets.Count;
}
