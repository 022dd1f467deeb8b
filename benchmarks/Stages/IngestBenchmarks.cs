using System.Text;
using BenchmarkDotNet.Attributes;
using MailProxy.Benchmarks.Support;
using MailProxy.Pipeline.Intake;

namespace MailProxy.Benchmarks.Stages;

/// <summary>
/// Parse and validate one message of 2 KB: alone, in a batch of 100, and as <c>raw</c> whose lines end as they should or not.
/// </summary>
[MemoryDiagnoser]
public class IngestBenchmarks
{
    private const int PerBatch = 100;

    private readonly byte[] _batch = TestMail.Batch(PerBatch, 2_000);
    private readonly byte[] _raw = Raw("\r\n"),
        _untidy = Raw("\n");
    private StageFixture _fixture = null!;

    [GlobalSetup]
    public void Open() => _fixture = new();

    [GlobalCleanup]
    public void Close() => _fixture.Dispose();

    [Benchmark(Baseline = true)]
    public bool Single() => Accepted(_fixture.Judge(DraftBinder.BindOne(StageFixture.Json)).Mail is not null);

    [Benchmark(OperationsPerInvoke = PerBatch)]
    public bool Batch() =>
        Accepted(DraftBinder.BindBatch(_batch).Drafts.Count(draft => _fixture.Judge(draft).Mail is not null) == PerBatch);

    [Benchmark]
    public bool RawMessage() => Accepted(_fixture.Judge(DraftBinder.BindOne(_raw)).Mail is not null);

    [Benchmark]
    public bool UntidyRaw() => Accepted(_fixture.Judge(DraftBinder.BindOne(_untidy)).Mail is not null);

    private static byte[] Raw(string end)
    {
        string[] head = ["From: Shop <shop@example.com>", "Subject: Hello", ""];
        var lines = head.Concat(Enumerable.Repeat(new string('x', 70), 28));
        var raw = string.Concat(lines.Select(line => line + end));
        return Encoding.UTF8.GetBytes($$"""{"to":"ann@example.com","raw":"{{Convert.ToBase64String(Encoding.ASCII.GetBytes(raw))}}"}""");
    }

    // What is refused is quicker, and not what is measured.
    private static bool Accepted(bool accepted) => accepted ? true : throw new InvalidOperationException("The message was refused.");
}
