using System.Net;
using System.Net.Sockets;
using MailKit;
using MailKit.Net.Smtp;
using MailProxy.Pipeline.Accounts;
using MimeKit;

namespace MailProxy.Pipeline.Send;

/// <summary>One open connection to an account's server: connected, protected, logged in. The one place that touches MailKit's client. One user at a time.</summary>
internal sealed class SmtpConnection : IAsyncDisposable
{
    private readonly TransactionClient _client;
    private readonly PhaseClock _clock;
    private readonly Socket _socket;
    private readonly RenderedMessage _message;
    private bool _usable = true;

    private SmtpConnection(SmtpAccount account, TransactionClient client, PhaseClock clock, Socket socket, long openedAt)
    {
        (Account, _client, _clock, _socket, OpenedAt) = (account, client, clock, socket, openedAt);
        _message = new(clock);
        OffersEightBit = client.Capabilities.HasFlag(SmtpCapabilities.EightBitMime);
        OffersSmtpUtf8 = OffersEightBit && client.Capabilities.HasFlag(SmtpCapabilities.UTF8);
        Protected = client.IsSecure;
    }

    public SmtpAccount Account { get; }

    /// <summary>Timestamps of the pool's clock.</summary>
    public long OpenedAt { get; }

    public long IdleSince { get; set; }

    /// <summary>Transactions begun on it.</summary>
    public int Messages { get; private set; }

    public bool OffersEightBit { get; }

    public bool OffersSmtpUtf8 { get; }

    /// <summary>Under TLS.</summary>
    public bool Protected { get; }

    public SmtpCapabilities Capabilities => _client.Capabilities;

    /// <summary>Null without TLS.</summary>
    public string? Tls => Protected ? _client.SslProtocol.ToString() : null;

    /// <summary>False after a 421, a broken conversation, or anything else after which nobody knows what the server thinks.</summary>
    public bool IsUsable => _usable && _client.IsConnected && !_clock.Token.IsCancellationRequested;

    /// <summary>While idle: the server hung up or said something (a 421, most likely).</summary>
    public bool HasGoneStale
    {
        get
        {
            try
            {
                return _socket.Poll(0, SelectMode.SelectRead);
            }
            catch (Exception gone) when (gone is SocketException or ObjectDisposedException)
            {
                return true;
            }
        }
    }

    /// <summary>SMTPUTF8 was offered but is switched off on this connection; a new one has it again.</summary>
    public bool LostSmtpUtf8 => OffersSmtpUtf8 && !_client.Capabilities.HasFlag(SmtpCapabilities.UTF8);

    /// <exception cref="SmtpOpenException">Always this, whatever went wrong, unless <paramref name="abort"/> did.</exception>
    public static async Task<SmtpConnection> OpenAsync(SmtpAccount account, EndPoint server, SendOptions options, TimeProvider time, CancellationToken abort)
    {
        var clock = new PhaseClock(options.Timeouts, time);
        var client = new TransactionClient(clock);
        Socket? socket = null;
        try
        {
            using (clock.CancelWith(abort))
            {
                socket = await Dialling.ConnectAsync(server, clock);
                await Dialling.GreetAsync(client, socket, account, options, clock);
                clock.Enter(SmtpPhase.Idle);
            }

            return new(account, client, clock, socket, time.GetTimestamp());
        }
        catch (Exception trouble)
        {
            var timedOut = clock.Token.IsCancellationRequested && !abort.IsCancellationRequested;
            client.Dispose();
            clock.Dispose();
            socket?.Dispose();
            if (abort.IsCancellationRequested) throw new OperationCanceledException(abort);
            throw Dialling.Explain(trouble, clock.Phase, timedOut);
        }
    }

    /// <summary>One MAIL, RCPT…, DATA. Never throws: what happened is in the result. <paramref name="mark"/> is awaited before the last block of the body.</summary>
    public async Task<TransactionResult> TransactAsync(Envelope envelope, RenderedMail mail, Task<bool> mark, CancellationToken abort)
    {
        Messages++;
        var result = new TransactionResult(envelope.Recipients.Count);
        _clock.Enter(SmtpPhase.Mail);
        using var registration = _clock.CancelWith(abort);
        try
        {
            var sender = new MailboxAddress("", envelope.Sender);
            var recipients = Recipients(envelope);
            var smtpUtf8 = envelope.NeedsSmtpUtf8 || mail.NeedsSmtpUtf8;

            // MimeKit decodes A-labels, and MailKit would then ask for SMTPUTF8 where a plain transaction does.
            if (!smtpUtf8 && (sender.IsInternational || recipients.Exists(static r => r.Mailbox.IsInternational))) _client.Capabilities &= ~SmtpCapabilities.UTF8;

            var text = await _client.SendAsync(_message.Wear(mail, mark), mail, smtpUtf8, sender, recipients, result);
            result.Ending = SmtpReply.Of(250, text);
        }
        catch (Exception trouble)
        {
            Explain(trouble, result, abort);
        }

        result.Phase = _clock.Phase;
        _usable = result.End == TransactionEnd.Answered && !(result.Ending is { } ending && SmtpVerdict.BlamesAccount(result.Phase, ending.Code));
        if (_usable) _clock.Enter(SmtpPhase.Idle);
        return result;
    }

    /// <summary>Not to be used again.</summary>
    public void Abandon() => _usable = false;

    /// <summary>QUIT when the conversation is in order, waiting only briefly for the reply; never throws.</summary>
    public async ValueTask DisposeAsync()
    {
        if (IsUsable) await Dialling.QuitAsync(_client, _clock);
        _client.Dispose();
        _clock.Dispose();
        _socket.Dispose();
        _message.Dispose();
    }

    // Addresses that differ only in case would be merged by MailKit; the second waits for the next transaction.
    private static List<(MailboxAddress Mailbox, int Index)> Recipients(Envelope envelope)
    {
        var unique = envelope.Recipients.Count > 1 ? new HashSet<string>(envelope.Recipients.Count, StringComparer.OrdinalIgnoreCase) : null;
        var recipients = new List<(MailboxAddress, int)>(envelope.Recipients.Count);
        for (var i = 0; i < envelope.Recipients.Count; i++)
        {
            var mailbox = new MailboxAddress("", envelope.Recipients[i]);
            if (unique is null || unique.Add(mailbox.Address)) recipients.Add((mailbox, i));
        }

        return recipients;
    }

    private void Explain(Exception trouble, TransactionResult result, CancellationToken abort)
    {
        result.Fault = trouble;
        switch (trouble)
        {
            case ServiceNotAuthenticatedException:
                result.Ending ??= SmtpReply.Of(530, trouble.Message);
                break;
            case SmtpCommandException command:
                if (_clock.Phase is SmtpPhase.Data or SmtpPhase.Final) result.Ending = SmtpReply.Of((int)command.StatusCode, command.Message);
                break;
            case ConversationOverException:
                break;
            case UnmarkedException:
                result.End = TransactionEnd.Unmarked;
                break;
            case ParseException:
                result.End = TransactionEnd.BadAddress;
                break;
            default:
                result.End = abort.IsCancellationRequested ? TransactionEnd.Aborted
                    : _clock.Token.IsCancellationRequested ? TransactionEnd.TimedOut
                    : TransactionEnd.Lost;
                break;
        }
    }
}
