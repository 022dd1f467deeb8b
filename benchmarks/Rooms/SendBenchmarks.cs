using BenchmarkDotNet.Attributes;
using MailProxy.Pipeline;
using MailProxy.Pipeline.Send;

namespace MailProxy.Benchmarks.Rooms;

/// <summary>Render a mail, and judge what became of its transaction.</summary>
[MemoryDiagnoser]
public class SendBenchmarks
{
    private readonly MimeComposer _composer = new(new SendOptions());
    private readonly MailContent _content = RoomFixture.Content();
    private readonly TransactionResult _taken = new(1) { Phase = SmtpPhase.Final, SenderAnswered = true, Ending = SmtpReply.Of(250, "2.0.0 taken") };

    public SendBenchmarks() => _taken.Recipients[0] = SmtpReply.Of(250, "2.1.5 ok");

    [Benchmark]
    public long Compose()
    {
        using var rendered = _composer.Compose(_content, [], [], null);
        return rendered.Length;
    }

    [Benchmark]
    public object Judge() => SmtpVerdict.Judge(RoomFixture.Ticket(1), RoomFixture.Account.Key, _content, _taken);
}
