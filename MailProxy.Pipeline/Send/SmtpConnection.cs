using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using MailKit.Net.Smtp;
using MailProxy.Pipeline.Accounts;

namespace MailProxy.Pipeline.Send;

/// <summary>One open connection to an account's server: we connect and do TLS, MailKit greets and logs in, and the transactions are our own. The one place that touches MailKit's client. One user at a time.</summary>
internal sealed class SmtpConnection : IAsyncDisposable
{
    private readonly SmtpClient _client;
    private readonly PhaseClock _clock;
    private readonly Socket _socket;
    private readonly Stream _stream;
    private readonly ReplyReader _replies;
    private readonly SmtpTransaction _transaction;
    private bool _usable = true;

    private SmtpConnection(SmtpAccount account, SmtpClient client, PhaseClock clock, Socket socket, Stream stream, SslStream? tls, long openedAt)
    {
        (Account, _client, _clock, _socket, _stream, OpenedAt) = (account, client, clock, socket, stream, openedAt);
        Tls = Dialling.TlsOf(tls);
        OffersEightBit = Offers(SmtpCapabilities.EightBitMime);
        OffersSmtpUtf8 = OffersEightBit && Offers(SmtpCapabilities.UTF8);
        _replies = new(stream);
        _transaction = new(stream, _replies, clock, new(Offers(SmtpCapabilities.Pipelining), OffersEightBit, OffersSmtpUtf8, Offers(SmtpCapabilities.Size)));
    }

    public SmtpAccount Account { get; }

    /// <summary>Timestamps of the pool's clock.</summary>
    public long OpenedAt { get; }

    public long IdleSince { get; set; }

    /// <summary>Its place among the connections that rest; disposed by the pool.</summary>
    public IDisposable? Rest { get; set; }

    /// <summary>Transactions begun on it.</summary>
    public int Messages { get; private set; }

    public bool OffersEightBit { get; }

    public bool OffersSmtpUtf8 { get; }

    /// <summary>Under TLS.</summary>
    public bool Protected => Tls is not null;

    public SmtpCapabilities Capabilities => _client.Capabilities;

    /// <summary>Null without TLS.</summary>
    public string? Tls { get; }

    /// <summary>False after a 421, a broken conversation, or anything else after which nobody knows what the server thinks.</summary>
    public bool IsUsable => _usable && !_clock.Token.IsCancellationRequested;

    /// <summary>While idle: the server hung up or said something (a 421, most likely).</summary>
    public bool HasGoneStale
    {
        get
        {
            try
            {
                return _replies.HasLeftovers || _socket.Poll(0, SelectMode.SelectRead);
            }
            catch (Exception gone) when (gone is SocketException or ObjectDisposedException)
            {
                return true;
            }
        }
    }

    /// <exception cref="SmtpOpenException">Always this, whatever went wrong, unless <paramref name="abort"/> did.</exception>
    public static async Task<SmtpConnection> OpenAsync(SmtpAccount account, EndPoint server, SendOptions options, TimeProvider time, CancellationToken abort)
    {
        var clock = new PhaseClock(options.Timeouts, time);
        var client = new SmtpClient(clock);
        Socket? socket = null;
        Stream? stream = null;
        try
        {
            using (clock.CancelWith(abort))
            {
                socket = await Dialling.ConnectAsync(server, clock);
                var hello = Dialling.HelloName(options, socket);
                stream = await SmtpTls.ProtectAsync(socket, account, options, hello, clock);
                await Dialling.GreetAsync(client, stream, account, hello, clock);
                clock.Enter(SmtpPhase.Idle);
            }

            return new(account, client, clock, socket, stream, stream as SslStream ?? (stream as GreetedStream)?.Inner as SslStream, time.GetTimestamp());
        }
        catch (Exception trouble)
        {
            var timedOut = clock.Token.IsCancellationRequested && !abort.IsCancellationRequested;
            client.Dispose();
            clock.Dispose();
            if (stream is not null) await stream.DisposeAsync();
            socket?.Dispose();
            if (abort.IsCancellationRequested) throw new OperationCanceledException(abort);
            throw Dialling.Explain(trouble, clock.Phase, timedOut, clock.HelloRefused);
        }
    }

    /// <summary>One MAIL, RCPT…, DATA. Never throws: what happened is in the result. <paramref name="mark"/> is awaited before the last block of the body.</summary>
    /// <param name="abort">Ends it unless the last of the body has gone out.</param>
    /// <param name="abandon">Ends it in any case: what is unanswered then stays unknown.</param>
    public async Task<TransactionResult> TransactAsync(Envelope envelope, RenderedMail mail, Task<bool> mark, CancellationToken abort, CancellationToken abandon)
    {
        Messages++;
        var result = new TransactionResult(envelope.Recipients.Count);
        using (_clock.CancelUnlessFinalWith(abort))
        using (_clock.CancelWith(abandon))
        {
            try
            {
                await _transaction.RunAsync(envelope, mail, mark, result);
            }
            catch (Exception trouble)
            {
                result.Fault = trouble;
                result.End = trouble switch
                {
                    UnmarkedException => TransactionEnd.Unmarked,
                    MimeKit.ParseException => TransactionEnd.BadAddress,
                    _ when abort.IsCancellationRequested || abandon.IsCancellationRequested => TransactionEnd.Aborted,
                    _ when _clock.Token.IsCancellationRequested => TransactionEnd.TimedOut,
                    _ => TransactionEnd.Lost,
                };
            }
        }

        _usable = result.End == TransactionEnd.Answered && _transaction.InStep;
        if (_usable) _clock.Enter(SmtpPhase.Idle);
        return result;
    }

    /// <summary>Not to be used again.</summary>
    public void Abandon() => _usable = false;

    /// <summary>QUIT when the conversation is in order, waiting only briefly for the reply; never throws.</summary>
    public async ValueTask DisposeAsync()
    {
        if (IsUsable) await QuitAsync();
        _client.Dispose();
        await _stream.DisposeAsync();
        _clock.Dispose();
        _socket.Dispose();
    }

    private async Task QuitAsync()
    {
        _clock.EnterFarewell();
        try
        {
            await _stream.WriteAsync("QUIT\r\n"u8.ToArray(), _clock.Token);
            await _replies.ReadAsync(_clock.Token);
        }
        catch (Exception)
        {
            // A server that answers QUIT badly loses nothing of ours.
        }
    }

    private bool Offers(SmtpCapabilities capability) => _client.Capabilities.HasFlag(capability);
}

/// <summary>The mark did not come: the connection is dropped in the middle of DATA, and nothing was delivered.</summary>
internal sealed class UnmarkedException() : Exception("The attempt was not marked.");
