using System.Net;
using System.Net.Sockets;
using MailProxy.Pipeline.Accounts;

namespace MailProxy.Pipeline.Send;

/// <summary>One open connection to an account's server, logged in. One user at a time.</summary>
internal sealed class SmtpConnection : IAsyncDisposable
{
    private readonly PhaseClock _clock;
    private readonly Socket _socket;
    private readonly SmtpDialogue _dialogue;
    private readonly SmtpTransaction _transaction;
    private readonly ChunkedMails? _chunks;
    private readonly ServerName _server;
    private (CancellationToken Abort, CancellationToken Abandon) _obeys;
    private CancellationTokenRegistration _onAbort,
        _onAbandon;
    private Transcript? _opening;
    private bool _usable = true;

    private SmtpConnection(SmtpAccount account, PhaseClock clock, Socket socket, SmtpOpening opening, long openedAt)
    {
        (Account, _clock, _socket, _dialogue, Offers, OpenedAt) = (account, clock, socket, opening.Dialogue, opening.Offers, openedAt);
        Tls = opening.TlsVersion;
        (_opening, _dialogue.Transcript) = (_dialogue.Transcript, null);
        _server = ServerName.Of(account);
        var atOnce = Offers.Pipelining && account.Pipelining != SmtpPipelining.Off;
        if (account.Chunking > 0 && atOnce && Offers.Chunking)
            _chunks = new(_dialogue, clock, Offers, account.Chunking);
        _transaction = new(_dialogue, clock, Offers, atOnce, () => Tls is null && _socket.Poll(0, SelectMode.SelectRead));
    }

    public SmtpAccount Account { get; }

    public PhaseClock Clock => _clock;

    /// <summary>The address connected to.</summary>
    public string? Address { get; private init; }

    /// <summary>Timestamps of the pool's clock.</summary>
    public long OpenedAt { get; }

    public long IdleSince { get; set; }

    /// <summary>Its share of the capacity for idle connections; disposed by the pool.</summary>
    public IDisposable? Rest { get; set; }

    /// <summary>What is known of its server; null: it is nobody's but a probe's.</summary>
    public ServerPipelining? Server { get; set; }

    /// <summary>Something of a mail is on its way that is still to be transacted.</summary>
    public bool HasAhead => Ahead is not null;

    /// <summary>Something of this mail is on its way; no other mail may go next.</summary>
    public bool Awaits(Outgoing? mail) => mail is not null && ReferenceEquals(Ahead?.Envelope, mail.Envelope);

    /// <summary>Whole mails may follow each other.</summary>
    public bool Chunks => _chunks is not null;

    private EnvelopeAhead? Ahead => _chunks?.First ?? _transaction.Ahead;

    /// <summary>Transactions begun on it.</summary>
    public int Messages { get; private set; }

    public SmtpOffers Offers { get; }

    /// <summary>Under TLS.</summary>
    public bool Protected => Tls is not null;

    /// <summary>Null without TLS.</summary>
    public string? Tls { get; }

    /// <summary>False after a 421, a broken conversation, or anything else after which nobody knows what the server thinks.</summary>
    public bool IsUsable => _usable && !_clock.Token.IsCancellationRequested;

    /// <summary>Between two mails: the server hung up or said something (a 421, most likely), which would be taken for the answer to the
    /// next MAIL.</summary>
    public bool HasGoneStale
    {
        get
        {
            try
            {
                return HasAhead || _dialogue.Replies.HasLeftovers || _socket.Poll(0, SelectMode.SelectRead);
            }
            catch (Exception error) when (error is SocketException or ObjectDisposedException)
            {
                return true;
            }
        }
    }

    /// <param name="whole">A bound for all phases together; null: each has its own only.</param>
    /// <param name="entered">Told of each opening's clock, so that others can see how far it is.</param>
    /// <param name="token">Logs in with this instead of the account's password.</param>
    /// <exception cref="SmtpOpenException">Always this, whatever went wrong, unless <paramref name="abort"/> did.</exception>
    public static async Task<SmtpConnection> OpenAsync(
        SmtpAccount account,
        EndPoint server,
        SendOptions options,
        TimeProvider time,
        CancellationToken abort,
        TimeSpan? whole = null,
        Action<PhaseClock>? entered = null,
        string? token = null
    )
    {
        var clock = new PhaseClock(options.Timeouts, time, whole);
        entered?.Invoke(clock);
        Socket? socket = null;
        SmtpOpening? opening = null;
        string? address = null;
        var transcript = new Transcript(clock);
        try
        {
            using (clock.CancelWith(abort))
            {
                socket = await Dialling.ConnectAsync(server, clock, transcript);
                address = Dialling.AddressOf(socket);
                opening = new(socket, account, options, Dialling.HelloName(options, socket), clock, transcript) { Token = token };
                await opening.RunAsync();
            }

            return new(account, clock, socket, opening, time.GetTimestamp()) { Address = address };
        }
        catch (Exception error)
        {
            var timedOut = clock.Token.IsCancellationRequested && !abort.IsCancellationRequested;
            clock.Dispose();
            if (opening is not null)
                await opening.DisposeAsync();
            socket?.Dispose();
            if (abort.IsCancellationRequested)
                throw new OperationCanceledException(abort);
            var told = OpenTrouble.Explain(error, clock.Phase, timedOut, ServerName.Of(account)).Conceal(transcript);
            (told.Tls, told.Offered) = (opening?.TlsVersion, opening?.Offers.Names ?? []);
            told.Transcript = new(transcript, clock, address);
            throw told;
        }
    }

    /// <summary>One MAIL, RCPT…, DATA. Never throws: what happened is in the result. <paramref name="mark"/> stands before the
    /// last block of the body goes out.</summary>
    /// <param name="next">Asked before the last block: whose envelope may go out with it; null: nobody's.</param>
    /// <param name="abort">Ends it unless the last of the body has gone out.</param>
    /// <param name="abandon">Ends it in any case: what is unanswered then stays unknown.</param>
    public async Task<TransactionResult> TransactAsync(
        Outgoing mail,
        AttemptMark mark,
        Func<RenderedMail, NextEnvelope?>? next,
        CancellationToken abort,
        CancellationToken abandon
    )
    {
        var isAhead = Awaits(mail);
        var isWhole = isAhead && _chunks?.First is not null;
        var result = isAhead
            ? Ahead!.Result
            : new(mail.Envelope.Recipients.Count) { Server = _server, Transcript = _dialogue.NewTranscript(Offers) };

        // That of the mail that it was opened for.
        result.Transcript?.Follow(_opening);
        _opening = null;

        // Asked again just before use: what is unread would be taken for the answer to MAIL.
        if (!isWhole)
            Messages++;
        if (Messages > 1 && !isAhead && HasGoneStale)
        {
            (_usable, result.End) = (false, TransactionEnd.Lost);
            result.Fault = new IOException("The server had hung up, or said something of its own accord.");
            result.Transcript?.Note(result.Fault.Message);
            return result;
        }

        Obey(abort, abandon, isWhole);
        try
        {
            // The first over each connection, and what is large, as ever.
            if (isWhole || (_chunks is not null && !isAhead && Messages > 1 && ChunkedMails.Takes(mail.Mail)))
                await _chunks!.RunAsync(mail, mark, result, next);
            else
                await _transaction.RunAsync(mail, mark, result, _chunks is null ? next : null);
        }
        catch (Exception error)
        {
            result.Fault = error;
            result.End = error switch
            {
                UnmarkedException => TransactionEnd.Unmarked,
                MimeKit.ParseException => TransactionEnd.BadAddress,
                _ when abort.IsCancellationRequested || abandon.IsCancellationRequested => TransactionEnd.Aborted,
                _ when _clock.Token.IsCancellationRequested => TransactionEnd.TimedOut,
                _ => TransactionEnd.Lost,
            };
            result.Transcript?.Note(result.Trouble!);
        }

        _usable =
            result.End == TransactionEnd.Answered
            && _transaction.InStep
            && _chunks is not { InStep: false }
            && (HasAhead || !_dialogue.Replies.HasLeftovers);
        if (_usable)
            _clock.Enter(
                _chunks?.First is not null ? SmtpPhase.Final
                : HasAhead ? SmtpPhase.Mail
                : SmtpPhase.Idle
            );
        _dialogue.Transcript = null;
        if (result is { IsPlainSuccess: true, Transcript: { } plain })
        {
            result.Transcript = null;
            _dialogue.Drop(plain);
        }

        return result;
    }

    /// <summary>One more goes out before its turn.</summary>
    public void CountAhead() => Messages++;

    /// <summary>In order, of this version of its account, and below its limits of messages and age.</summary>
    public bool IsFit(long version, TimeSpan age, TimeProvider time) =>
        IsUsable && Account.Version == version && Messages < Account.MaxMessagesPerConnection && time.GetElapsedTime(OpenedAt) < age;

    /// <summary>Not to be used again.</summary>
    public void Abandon() => _usable = false;

    /// <summary>QUIT when the conversation is in order, waiting only briefly for the reply; never throws.</summary>
    public async ValueTask DisposeAsync()
    {
        if (IsUsable)
            await QuitAsync();
        Obey(CancellationToken.None, CancellationToken.None, isOut: true);
        await _dialogue.Stream.DisposeAsync();
        _clock.Dispose();
        _socket.Dispose();
    }

    // Registered once for all the mails that the same tokens end.
    private void Obey(CancellationToken abort, CancellationToken abandon, bool isOut)
    {
        if (_obeys != (abort, abandon))
        {
            _onAbort.Dispose();
            _onAbandon.Dispose();
            _obeys = (abort, abandon);
            (_onAbort, _onAbandon) = (_clock.CancelUnlessFinalWith(abort), _clock.CancelWith(abandon));
        }

        // It may have come while the mail before was past its end, and so was not obeyed.
        if (abort.IsCancellationRequested && !isOut && !_clock.Token.IsCancellationRequested)
            _clock.Cancel();
    }

    private async Task QuitAsync()
    {
        _clock.EnterFarewell();
        try
        {
            await _dialogue.AskAsync("QUIT");
        }
        catch (Exception)
        {
            // A server that answers QUIT badly loses nothing of ours.
        }
    }
}

/// <summary>The mark did not come: the connection is dropped in the middle of DATA, and nothing was delivered.</summary>
internal sealed class UnmarkedException() : Exception("The attempt was not marked.");
