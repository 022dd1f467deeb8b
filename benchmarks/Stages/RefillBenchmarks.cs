using BenchmarkDotNet.Attributes;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;

namespace MailProxy.Benchmarks.Stages;

/// <summary>One question of a lane to the disk: a page of what is due is claimed, and given back for the next.</summary>
[MemoryDiagnoser]
public class RefillBenchmarks
{
    private const int Mails = 20_000;
    private const int Chunk = 500;

    private readonly LaneKey _lane = Lanes.Of(StageFixture.Account.Key);
    private StageFixture _fixture = null!;
    private long _now;

    /// <summary>0: mail without a batch.</summary>
    [Params(0, 10, 10_000)]
    public int Batches { get; set; }

    [GlobalSetup]
    public void Fill()
    {
        _fixture = new();
        for (var from = 0; from < Mails; from += Chunk)
        {
            var first = from;
            var batch = _fixture.Batch(Chunk);
            AcceptedLine[] lines = [.. batch.Lines.Select((line, i) => line with { Mail = In(line.Mail!, first + i) })];
            foreach (var ticket in _fixture.Store.AppendNowAsync([batch with { Lines = lines }]).GetAwaiter().GetResult().Tickets)
                _fixture.Store.Release(ticket);
        }

        _now = StageFixture.Now;
    }

    [GlobalCleanup]
    public void Close() => _fixture.Dispose();

    [Benchmark(OperationsPerInvoke = Chunk)]
    public int Refill()
    {
        var page = _fixture.Store.ClaimAsync(_lane, new(Chunk, _now)).GetAwaiter().GetResult();
        foreach (var ticket in page.Tickets)
            _fixture.Store.Release(ticket);
        return page.Tickets.Count;
    }

    private AcceptedMail In(AcceptedMail mail, int number) => Batches == 0 ? mail : mail with { Batch = $"batch-{number % Batches}" };
}
