using BenchmarkDotNet.Attributes;
using MailProxy.Pipeline;

namespace MailProxy.Benchmarks.Rooms;

/// <summary>Load a mail for its transaction.</summary>
[MemoryDiagnoser]
public class ResolveBenchmarks
{
    private RoomFixture _room = null!;
    private IReadOnlyList<QueuedMail> _tickets = null!;
    private int _next;

    [GlobalSetup]
    public void Open()
    {
        _room = new();
        _tickets = _room.Append(256);
    }

    [GlobalCleanup]
    public void Close() => _room.Dispose();

    [Benchmark]
    public async Task<int> Load() =>
        (await _room.Store.LoadAsync(_tickets[_next++ % _tickets.Count], 50) ?? throw new InvalidOperationException("The ticket is stale.")).Json.Length;
}
