using BenchmarkDotNet.Attributes;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Report;

namespace MailProxy.Benchmarks.Stages;

/// <summary>
/// Record the outcome of a mail: its mark in the flight log, then its settlement with the event; for eight mails a turn as eight
/// connections bring them, and for as many as gather in a drain.
/// </summary>
[MemoryDiagnoser]
public class ReportBenchmarks
{
    private const int PerTurn = 8;
    private const int Gathered = 128;

    private readonly Settler _settler = new(new ReportOptions(), static _ => null, static () => 0.5);
    private readonly MailContent _content = StageFixture.Content();
    private readonly RecipientVerdict[] _verdicts = [new(0, "reader1@example.net", Verdict.Accepted, 250, "2.0.0", "taken")];
    private StageFixture _fixture = null!;
    private IReadOnlyList<QueuedMail> _tickets = null!;

    [GlobalSetup]
    public void Open() => _fixture = new();

    [GlobalCleanup]
    public void Close() => _fixture.Dispose();

    [IterationSetup(Target = nameof(MarkAndRecord))]
    public void Fresh() => _tickets = _fixture.Append(PerTurn);

    [IterationSetup(Target = nameof(RecordGathered))]
    public void FreshGathered() => _tickets = _fixture.Append(Gathered);

    [Benchmark]
    public object Settle() => _settler.Attempted(StageFixture.Ticket(1), _content, _verdicts, 0);

    [Benchmark(OperationsPerInvoke = PerTurn)]
    public Task MarkAndRecord() => RecordAsync();

    [Benchmark(OperationsPerInvoke = Gathered)]
    public Task RecordGathered() => RecordAsync();

    private async Task RecordAsync()
    {
        var marks = await _fixture.BeginAsync(_tickets);
        var settled = await _fixture.Store.CommitAsync([
            .. marks.Select(mark => _settler.Attempted(mark.Ticket, _content, _verdicts, mark.At) with { Mark = mark }),
        ]);
        if (settled.Contains(false))
            throw new InvalidOperationException("A ticket was stale.");
    }
}
