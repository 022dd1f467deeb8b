using System.Buffers;
using BenchmarkDotNet.Attributes;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Send;

namespace MailProxy.Benchmarks.Stages;

/// <summary>Render a mail, cut it into what goes over the wire, and judge what became of its transaction.</summary>
[MemoryDiagnoser]
public class SendBenchmarks
{
    private readonly MimeComposer _composer = new(new SendOptions());
    private readonly MailContent _content = StageFixture.Content();
    private readonly ArrayBufferWriter<byte> _wire = new(64 * 1024);
    private readonly RenderedMail _rendered;
    private readonly TransactionResult _taken = new(1)
    {
        Phase = SmtpPhase.Final,
        SenderAnswered = true,
        Ending = SmtpReply.Of(250, "2.0.0 taken"),
    };

    public SendBenchmarks()
    {
        _taken.Recipients[0] = SmtpReply.Of(250, "2.1.5 ok");
        _rendered = _composer.Compose(_content, [], [], null);
    }

    [Benchmark]
    public long Compose()
    {
        using var rendered = _composer.Compose(_content, [], [], null);
        return rendered.Length;
    }

    [Benchmark]
    public long Wire()
    {
        _wire.ResetWrittenCount();
        using var blocks = new WireBlocks(_rendered);
        while (blocks.Next(_wire)) { }

        return _wire.WrittenCount;
    }

    [Benchmark]
    public void Look()
    {
        var check = new WireCheck();
        check.Next(_rendered.Bytes.Span);
        check.End();
    }

    [Benchmark]
    public object Judge() => SmtpVerdict.Judge(StageFixture.Ticket(1), StageFixture.Account.Key, _content, _taken);
}
