using BenchmarkDotNet.Attributes;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Benchmarks.Stages;

/// <summary>Load a mail for its transaction.</summary>
[MemoryDiagnoser]
public class ResolveBenchmarks
{
    private const int Few = 4;

    private StageFixture _fixture = null!;
    private IReadOnlyList<QueuedMail> _tickets = null!;
    private readonly LoadRequest[] _wanted = new LoadRequest[Few];
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

    /// <summary>As it comes in a drain: a few of a lane at a time, in its order.</summary>
    [Benchmark(OperationsPerInvoke = Few)]
    public async Task<int> LoadTogether()
    {
        for (var i = 0; i < Few; i++)
            _wanted[i] = new(_tickets[_next++ % _tickets.Count], 50);
        return (await _fixture.Store.LoadTogetherAsync(_wanted)).Sum(static content => content!.Json.Length);
    }
}
