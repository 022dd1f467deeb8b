namespace MailProxy.Pipeline.Send;

/// <summary>
/// MAIL, RCPT…, DATA on an open connection (RFC 5321). With PIPELINING all commands up to DATA go out in one write, and that may be the
/// write which ends the mail before (RFC 2920 section 3.1). Fills in a <see cref="TransactionResult"/> as replies come, so that what was
/// read stands whatever happens next; what breaks the conversation is thrown.
/// </summary>
/// <param name="atOnce">Whether the envelope goes out in one write.</param>
/// <param name="speaks">The server says something just now, as far as that can be seen without reading.</param>
internal sealed class SmtpTransaction(SmtpDialogue dialogue, PhaseClock clock, SmtpOffers offers, bool atOnce, Func<bool> speaks)
{
    // A server whose replies are still to prove that they come in step gets no minutes for the first of them.
    private static readonly TimeSpan ToProve = TimeSpan.FromSeconds(30);

    private readonly SmtpCommands _out = new(offers);
    private bool _reset;

    /// <summary>False once the conversation is out of step: the connection must not be used again.</summary>
    public bool InStep { get; private set; } = true;

    /// <summary>The envelope that is on its way already; only its mail may go next.</summary>
    public EnvelopeAhead? Ahead { get; private set; }

    /// <param name="next">What goes out with the end of this mail.</param>
    public async Task RunAsync(Outgoing mail, AttemptMark mark, TransactionResult result, Func<RenderedMail, NextEnvelope?>? next)
    {
        InStep = false;
        _out.Clear();
        _out.Notes = dialogue.Transcript = result.Transcript;
        var ahead = Ahead;
        Ahead = null;
        if (ahead is { Fault: { } broken })
            throw broken;
        var go =
            ahead is { IsRead: true } ? ahead.Go
            : ahead is not null ? await AnswersAsync(mail.Envelope, result)
            : atOnce ? await AllAtOnceAsync(mail, result)
            : await OneByOneAsync(mail, result);

        // Until a mail was taken the server may remember a sender; the next transaction begins with RSET.
        _reset = true;
        if (result.Ending is not null)
        {
            InStep = !result.Unasked && !SmtpVerdict.BlamesAccount(result.Phase, result.Ending) && (go is null || await WithdrawAsync(go));
        }
        else if (!result.AnyAccepted)
        {
            InStep = go is null || await WithdrawAsync(go);
        }
        else if (go is { Code: 354 })
        {
            await DeliverAsync(mail.Mail, mark, result, next);
        }
        else
        {
            // Neither 354 nor a refusal is a reply out of turn: the verdict finds that by its code.
            result.Ending = go;
            InStep = go is { Refuses: true } && !SmtpVerdict.BlamesAccount(SmtpPhase.Data, go);
        }
    }

    private async ValueTask<SmtpReply?> AllAtOnceAsync(Outgoing mail, TransactionResult result)
    {
        Enter(SmtpPhase.Mail, result);
        var withReset = _reset;
        if (withReset)
            _out.PutCommand("RSET");
        _out.PutEnvelope(mail);
        if (await FlushAsync() is { } gone)
        {
            (result.Ending, result.Unasked) = (gone, true);
            return null;
        }

        if (withReset && await ReadAsync() is { Code: 421 } closing)
        {
            result.Ending = closing;
            return null;
        }

        return await AnswersAsync(mail.Envelope, result);
    }

    /// <summary>The replies to MAIL, each RCPT, and DATA; null: it is over before that.</summary>
    private async ValueTask<SmtpReply?> AnswersAsync(Envelope envelope, TransactionResult result)
    {
        dialogue.Transcript = result.Transcript;
        Enter(SmtpPhase.Mail, result);
        var refused = Sender(await ReadAsync(), result);
        if (Over(result))
            return null;
        if (!refused)
            Enter(SmtpPhase.Recipient, result);
        for (var i = 0; i < envelope.Recipients.Count; i++)
        {
            var reply = await ReadAsync();

            // After a refused MAIL each RCPT is answered with 503, which says nothing about the recipient.
            if (refused)
                continue;
            Record(reply, i, result);
            if (Over(result))
                return null;
        }

        if (result.AnyAccepted)
            Enter(SmtpPhase.Data, result);
        return await ReadAsync();
    }

    private async ValueTask<SmtpReply?> OneByOneAsync(Outgoing mail, TransactionResult result)
    {
        Enter(SmtpPhase.Mail, result);
        if (_reset && await AskAsync("RSET") is { Code: 421 } closing)
        {
            result.Ending = closing;
            return null;
        }

        _out.PutMail(mail);
        if (Sender(await AskAsync(), result))
            return null;

        Enter(SmtpPhase.Recipient, result);
        for (var i = 0; i < mail.Envelope.Recipients.Count; i++)
        {
            _out.PutRecipient(mail.Envelope.Recipients[i]);
            Record(await AskAsync(), i, result);
            if (Over(result))
                return null;
        }

        if (!result.AnyAccepted)
            return null;
        Enter(SmtpPhase.Data, result);
        return await AskAsync("DATA");
    }

    private static bool Sender(SmtpReply reply, TransactionResult result)
    {
        result.SenderAnswered = true;
        if (reply.IsPositive)
            return false;
        result.Ending = reply;
        return true;
    }

    private void Record(SmtpReply reply, int index, TransactionResult result)
    {
        if (SmtpVerdict.BlamesAccount(SmtpPhase.Recipient, reply))
            result.Ending = reply;
        else
            result.Recipients[index] = reply;
        clock.Enter(SmtpPhase.Recipient);
    }

    private static bool Over(TransactionResult result) => result.Ending is { } ending && SmtpVerdict.BlamesAccount(result.Phase, ending);

    // DATA went out before the server had refused everything. If it says 354 all the same, it gets an empty mail for nobody: a lone dot.
    private async ValueTask<bool> WithdrawAsync(SmtpReply go)
    {
        if (go.Code != 354)
            return go.Refuses && go.Code != 421;
        return (await AskAsync(".")).Code is not 421;
    }

    private async ValueTask DeliverAsync(
        RenderedMail mail,
        AttemptMark mark,
        TransactionResult result,
        Func<RenderedMail, NextEnvelope?>? next
    )
    {
        if (!mark.TryBegin())
            throw new UnmarkedException();
        Enter(SmtpPhase.Body, result);
        using var blocks = new WireBlocks(mail);
        while (blocks.Next(_out.Writer))
        {
            result.Transcript?.Body(_out.Written.Length);
            if (await FlushAsync() is { } refusal)
            {
                result.Ending = refusal;
                return;
            }

            clock.Enter(SmtpPhase.Body);
        }

        // The clock's time for the body runs on: a mark that does not come in that time is none.
        if (!await mark.OutAsync(clock.Token))
            throw new UnmarkedException();

        // A reply that nobody asked for would be taken for the one to the final dot. A refusal, before the dot: the server does not want
        // the rest.
        if (dialogue.Replies.HasLeftovers || speaks())
        {
            var early = await ReadAsync();
            if (!early.Refuses)
                throw new SmtpGarbageException("The server said more than it was asked.");
            result.Ending = early;
            return;
        }

        result.Transcript?.Body(_out.Written.Length);
        _out.PutCommand(".");
        var chosen = next?.Invoke(mail);
        var ahead = chosen is null ? null : PutBehind(chosen.Mail, result);

        // From here on the server may have it all, whatever the write says.
        Enter(SmtpPhase.Final, result);
        var sent = clock.Timestamp;
        result.Ending = await FlushAsync() ?? await ReadAsync();
        result.FinalTook = clock.Since(sent);
        _reset = !result.Ending.IsPositive;
        InStep = (result.Ending.IsPositive || result.Ending.Refuses) && !SmtpVerdict.BlamesAccount(SmtpPhase.Final, result.Ending);
        if (ahead is null || !InStep)
            return;
        Ahead = ahead;
        if (!chosen!.IsProven)
            await ProveAsync(ahead, result);
    }

    private EnvelopeAhead PutBehind(Outgoing next, TransactionResult result)
    {
        result.HadNextBehind = true;
        var its = new TransactionResult(next.Envelope.Recipients.Count)
        {
            Server = result.Server,
            WasAhead = true,
            Transcript = dialogue.NewTranscript(offers),
        };
        _out.Notes = its.Transcript;
        _out.PutEnvelope(next);
        return new(next.Envelope, its);
    }

    /// <summary>
    /// Until a server was seen to answer in step, a mail counts as taken only when the replies behind its own are there: if one of them
    /// is missing, it may be its own.
    /// </summary>
    private async ValueTask ProveAsync(EnvelopeAhead ahead, TransactionResult result)
    {
        try
        {
            clock.Bound(ToProve);
            ahead.Go = await AnswersAsync(ahead.Envelope, ahead.Result);
        }
        catch (Exception error)
        {
            ahead.Fault = error;
        }

        ahead.IsRead = true;
        clock.Bound(null);
        if (ahead.Result is { Ending.Code: >= 300 and < 400 })
        {
            (Ahead, InStep, result.Ending) = (null, false, null);
            throw new SmtpGarbageException("The server gave one reply too few, perhaps the one to this message.");
        }

        clock.Enter(SmtpPhase.Mail);
    }

    private void Enter(SmtpPhase phase, TransactionResult result)
    {
        result.Phase = phase;
        clock.Enter(phase);
    }

    private ValueTask<SmtpReply> ReadAsync() => dialogue.Replies.ReadAsync(clock.Token);

    private ValueTask<SmtpReply> AskAsync(string command)
    {
        _out.PutCommand(command);
        return AskAsync();
    }

    /// <summary>Sends what was put together.</summary>
    private async ValueTask<SmtpReply> AskAsync()
    {
        var reply = await dialogue.AskAsync(_out.Written);
        _out.Clear();
        return reply;
    }

    /// <summary>Null: it went out. Else the refusal with which the server left before it had everything.</summary>
    private async ValueTask<SmtpReply?> FlushAsync()
    {
        var refusal = await dialogue.WriteAsync(_out.Written);
        _out.Clear();
        return refusal;
    }
}
