using MailProxy.Pipeline.Flow;

namespace MailProxy.Pipeline.Send;

/// <summary>
/// Whole mails, each as MAIL, RCPT…, BDAT LAST (RFC 3030), several of them unanswered. Their replies come in order. RSET before each, for
/// after a refused BDAT the server's state is unknown until then. When the connection ends, all that are unanswered are in doubt.
/// </summary>
/// <param name="most">How many may be unanswered.</param>
internal sealed class ChunkedMails(SmtpDialogue dialogue, PhaseClock clock, SmtpOffers offers, int most)
{
    /// <summary>Larger ones (octets), and those with files, go one by one.</summary>
    public const int Largest = 64 * 1024;

    // Who writes without reading must leave the server room for what it says meanwhile (RFC 2920 section 3.1).
    private const int MostReplies = 500;
    private const int Write = 64 * 1024;

    private readonly SmtpCommands _out = new(offers);
    private readonly Queue<EnvelopeAhead> _unanswered = new();
    private int _replies;
    private bool _broken,
        _lost;
    private SmtpReply? _closing;

    /// <summary>False once nobody knows which reply comes next.</summary>
    public bool InStep { get; private set; } = true;

    /// <summary>The mail whose replies come next.</summary>
    public EnvelopeAhead? First => _unanswered.TryPeek(out var first) ? first : null;

    public static bool Takes(RenderedMail mail) => mail.Files.Count == 0 && mail.Length <= Largest;

    /// <summary>Sends the mail, unless it is on its way already, and what may follow it; then reads its replies.</summary>
    /// <param name="next">The mail that may follow; it is on its way once this has returned it.</param>
    public async Task RunAsync(Outgoing mail, AttemptMark mark, TransactionResult result, Func<RenderedMail, NextEnvelope?>? next)
    {
        if (First is null)
        {
            Check(mail.Mail);
            if (!mark.TryBegin() || !await mark.OutAsync(clock.Token))
                throw new UnmarkedException();
            Put(mail, result);
        }

        var first = _unanswered.Peek();
        InStep = false;
        try
        {
            if (_lost)
                throw new IOException("The conversation had ended before.");
            await FollowAsync(mail.Mail, next);
            await AnswersAsync(mail.Envelope, first.Result);
            InStep = _closing is null && !_broken;
        }
        catch
        {
            _lost = true; // what comes next may be the reply to anything
            throw;
        }
        finally
        {
            _unanswered.Dequeue();
            _replies -= RepliesTo(mail);
        }
    }

    /// <summary>The last look at it.</summary>
    /// <exception cref="UnsendableException">It must not go out.</exception>
    public static void Check(RenderedMail mail)
    {
        var check = default(WireCheck);
        check.Next(mail.Bytes.Span);
        check.End();
    }

    private async ValueTask FollowAsync(RenderedMail before, Func<RenderedMail, NextEnvelope?>? next)
    {
        while (next is not null && !_broken && _closing is null && _unanswered.Count < most && _replies < MostReplies)
        {
            if (next(before) is not { } following)
                break;
            if (!following.Mark!.TryBegin())
                break;

            // Nobody knows how long that takes, and what was let go before must not go out long after it.
            var marked = following.Mark.OutAsync(clock.Token);
            if (!marked.IsCompleted)
                await FlushAsync();
            if (!await marked)
                break;
            following.Goes!();
            Put(
                following.Mail,
                new(following.Mail.Envelope.Recipients.Count)
                {
                    Server = _unanswered.Peek().Result.Server,
                    Transcript = dialogue.NewTranscript(offers),
                }
            );
            if (_out.Written.Length >= Write)
                await FlushAsync();
        }

        await FlushAsync();
    }

    private void Put(Outgoing mail, TransactionResult result)
    {
        _out.Notes = result.Transcript;
        _out.PutCommand("RSET");
        _out.PutMail(mail);
        foreach (var recipient in mail.Envelope.Recipients)
            _out.PutRecipient(recipient);
        _out.PutChunk(mail.Mail.Bytes.Span);
        result.WholeIsOut = true;
        result.Phase = SmtpPhase.Final;
        _unanswered.Enqueue(new(mail.Envelope, result));
        _replies += RepliesTo(mail);
    }

    // A write that fails says nothing of what the server has, and its replies may still be there to be read.
    private async ValueTask FlushAsync()
    {
        if (_out.Written.IsEmpty)
            return;
        clock.Enter(SmtpPhase.Final);
        try
        {
            await dialogue.Stream.WriteAsync(_out.Written, clock.Token);
        }
        catch (IOException)
        {
            _broken = true;
        }

        _out.Clear();
    }

    private async ValueTask AnswersAsync(Envelope envelope, TransactionResult result)
    {
        dialogue.Transcript = result.Transcript;
        if (_closing is not null || await ReadAsync() is { Code: 421 })
        {
            Close(result, SmtpPhase.Mail);
            return;
        }

        var sender = await ReadAsync();
        result.SenderAnswered = true;
        if (_closing is not null)
        {
            Close(result, SmtpPhase.Mail);
            return;
        }

        for (var i = 0; i < envelope.Recipients.Count; i++)
        {
            var reply = await ReadAsync();
            if (_closing is not null && sender.IsPositive)
            {
                Close(result, SmtpPhase.Recipient);
                return;
            }

            if (sender.IsPositive)
                result.Recipients[i] = reply;
        }

        var sent = clock.Timestamp;
        var last = await ReadAsync();
        result.FinalTook = clock.Since(sent);
        if (!sender.IsPositive)
            (result.Phase, result.Ending) = (SmtpPhase.Mail, sender);
        else if (!result.AnyAccepted)
            result.Phase = SmtpPhase.Recipient;
        else
            result.Ending = last;
    }

    // The server is about to hang up: it takes nothing that comes after that (RFC 5321 section 3.8).
    private void Close(TransactionResult result, SmtpPhase phase) => (result.Phase, result.Ending) = (phase, _closing);

    private async ValueTask<SmtpReply> ReadAsync()
    {
        clock.Enter(SmtpPhase.Final);
        var reply = await dialogue.Replies.ReadAsync(clock.Token);
        if (reply.Code is >= 300 and < 400)
            throw new SmtpGarbageException($"A reply out of turn: {reply.Code} {reply.Text}");
        if (reply.Code == 421)
            _closing = reply;
        return reply;
    }

    // RSET, MAIL, each RCPT, BDAT.
    private static int RepliesTo(Outgoing mail) => 3 + mail.Envelope.Recipients.Count;
}
