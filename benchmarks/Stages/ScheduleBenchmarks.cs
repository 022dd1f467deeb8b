using BenchmarkDotNet.Attributes;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Schedule;

namespace MailProxy.Benchmarks.Stages;

/// <summary>Whose turn it is: one pick, its end, and a new ticket in its place, with a full window.</summary>
[MemoryDiagnoser]
public class ScheduleBenchmarks
{
    private const int Window = 10_000;

    private ActiveQueue _queue = null!;
    private long _next;

    [Params(1, 1_000)]
    public int Lanes { get; set; }

    [GlobalSetup]
    public void Fill()
    {
        _queue = new(Window, 1_024, 512, static _ => { });
        for (_next = 0; _next < Window / 2; _next++)
            Offer();
    }

    [Benchmark]
    public long Pick()
    {
        var lane = _queue.Next()!;
        var ticket = _queue.Take(lane);
        _queue.Done(lane, ticket);
        Offer();
        _next++;
        return ticket.Id;
    }

    private void Offer()
    {
        var lane = new LaneKey(1 + (int)(_next % Lanes));
        _queue.Offer(_queue.Lane(lane, out _), StageFixture.Ticket(_next) with { Lane = lane });
    }
}
