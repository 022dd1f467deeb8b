using System.Globalization;
using System.Text;
using MailKit;

namespace MailProxy.Pipeline.Send;

/// <summary>Knows how far a conversation came and how long the server may still take. While MailKit greets and logs in it reads along, which is the only way to learn its phases and what it does not tell; of all it reads it keeps a refused EHLO.</summary>
internal sealed class PhaseClock : IProtocolLogger
{
    private readonly SmtpTimeouts _timeouts;
    private readonly CancellationTokenSource _ended;

    public PhaseClock(SmtpTimeouts timeouts, TimeProvider clock)
    {
        _timeouts = timeouts;
        _ended = new(Timeout.InfiniteTimeSpan, clock);
    }

    /// <summary>Cancelled when the phase took too long, or by <see cref="CancelWith"/>; never again usable after that.</summary>
    public CancellationToken Token => _ended.Token;

    public SmtpPhase Phase { get; private set; }

    /// <summary>What the server said to EHLO when that was no. MailKit then tries HELO, and of a server that has hung up meanwhile it knows only that.</summary>
    public SmtpReply? HelloRefused { get; private set; }

    public IAuthenticationSecretDetector? AuthenticationSecretDetector { get; set; }

    /// <summary>Lets <paramref name="abort"/> end the conversation until the result is disposed.</summary>
    public CancellationTokenRegistration CancelWith(CancellationToken abort) =>
        abort.UnsafeRegister(static ended => ((CancellationTokenSource)ended!).Cancel(), _ended);

    /// <summary>The same, but not once the last of the body has gone out: then a reply may still come.</summary>
    public CancellationTokenRegistration CancelUnlessFinalWith(CancellationToken abort) => abort.UnsafeRegister(
        static state =>
        {
            var clock = (PhaseClock)state!;
            if (clock.Phase < SmtpPhase.Final) clock._ended.Cancel();
        },
        this);

    /// <summary>The conversation moves on; the time for the next reply starts now.</summary>
    public void Enter(SmtpPhase phase)
    {
        Phase = phase;
        if (phase != SmtpPhase.Hello) HelloRefused = null;
        Allow(phase switch
        {
            SmtpPhase.Connect => _timeouts.Connect,
            SmtpPhase.Handshake => _timeouts.Handshake,
            SmtpPhase.Greeting => _timeouts.Greeting,
            SmtpPhase.Hello or SmtpPhase.StartTls or SmtpPhase.Authenticate => _timeouts.Command,
            SmtpPhase.Mail => _timeouts.Mail,
            SmtpPhase.Recipient => _timeouts.Recipient,
            SmtpPhase.Data => _timeouts.DataInitiation,
            SmtpPhase.Body => _timeouts.DataBlock,
            SmtpPhase.Final => _timeouts.DataTermination,
            _ => Timeout.InfiniteTimeSpan,
        });
    }

    /// <summary>QUIT: the phase stays what it was, and the wait is short.</summary>
    public void EnterFarewell() => Allow(_timeouts.Farewell);

    public void LogConnect(Uri uri) => Enter(SmtpPhase.Greeting);

    public void LogClient(byte[] buffer, int offset, int count)
    {
        var written = buffer.AsSpan(offset, count);
        if (written.StartsWith("EHLO"u8) || written.StartsWith("HELO"u8)) Enter(SmtpPhase.Hello);
        else if (written.StartsWith("AUTH"u8)) Enter(SmtpPhase.Authenticate);
        else Enter(Phase);
    }

    public void LogServer(byte[] buffer, int offset, int count)
    {
        var read = buffer.AsSpan(offset, count);
        if (Phase != SmtpPhase.Hello || read is not [(byte)'4' or (byte)'5', _, _, (byte)' ', ..]) return;
        if (int.TryParse(read[..3], NumberStyles.None, CultureInfo.InvariantCulture, out var code)) HelloRefused = SmtpReply.Of(code, Encoding.UTF8.GetString(read[4..]));
    }

    public void Dispose() => _ended.Dispose();

    private void Allow(TimeSpan time) => _ended.CancelAfter(time);
}
