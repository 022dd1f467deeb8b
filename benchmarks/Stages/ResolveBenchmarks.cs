using BenchmarkDotNet.Attributes;
using MailProxy.Pipeline.Flow;

namespace MailProxy.Benchmarks.Stages;

/// <summary>Load a mail for its transaction.</summary>
[MemoryDiagnoser]
public class ResolveBenchmarks
{
    private StageFixture _fixture = null!;
    private IReadOnlyList<QueuedMail> _tickets = null!;
    private int _next;

    [GlobalSetup]
    public void Open()
    {
        _fixture = new();
        _tickets = _fixture.Append(256);
    }

    [GlobalCleanup]
    public void Close() => _fixture.Dispose();

    [Benchmark]
    public async Task<int> Load() =>
        (
            await _fixture.Store.LoadAsync(_tickets[_next++ % _tickets.Count], 50)
            ?? throw new InvalidOperationException("The ticket is stale.")
        )
            .Json
            .Length;
}
