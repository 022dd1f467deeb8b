using BenchmarkDotNet.Attributes;
using MailProxy.Benchmarks.Support;
using MailProxy.Pipeline.Ingest;

namespace MailProxy.Benchmarks.Rooms;

/// <summary>Parse and validate one message of 2 KB, alone and as one of a batch of 100.</summary>
[MemoryDiagnoser]
public class IngestBenchmarks
{
    private const int PerBatch = 100;

    private readonly byte[] _batch = TestMail.Batch(PerBatch, 2_000);
    private RoomFixture _room = null!;

    [GlobalSetup]
    public void Open() => _room = new();

    [GlobalCleanup]
    public void Close() => _room.Dispose();

    [Benchmark(Baseline = true)]
    public bool Single() => Accepted(_room.Judge(DraftBinder.BindOne(RoomFixture.Json)).Mail is not null);

    [Benchmark(OperationsPerInvoke = PerBatch)]
    public bool Batch() => Accepted(DraftBinder.BindBatch(_batch).Drafts.Count(draft => _room.Judge(draft).Mail is not null) == PerBatch);

    // What is refused is quicker, and not what is measured.
    private static bool Accepted(bool accepted) => accepted ? true : throw new InvalidOperationException("The message was refused.");
}
