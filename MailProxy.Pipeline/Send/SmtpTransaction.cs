using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace MailProxy.Pipeline.Send;

/// <summary>
/// MAIL, RCPT…, DATA on an open connection (RFC 5321). With PIPELINING all commands up to DATA go out in one write (RFC 2920).
/// Fills in a <see cref="TransactionResult"/> as replies come, so that what was read stands whatever happens next; what breaks the
/// conversation is thrown.
/// </summary>
/// <param name="atOnce">The account lets all commands up to DATA go out in one write where the server offers it.</param>
/// <param name="speaks">The server says something just now, as far as that can be seen without reading.</param>
internal sealed class SmtpTransaction(SmtpDialogue dialogue, PhaseClock clock, SmtpOffers offers, bool atOnce, Func<bool> speaks)
{
    private readonly ArrayBufferWriter<byte> _out = new(2048);
    private bool _reset;

    /// <summary>False once the conversation is out of step: the connection must not be used again.</summary>
    public bool InStep { get; private set; } = true;

    public async Task RunAsync(Envelope envelope, RenderedMail mail, AttemptMark mark, TransactionResult result)
    {
        InStep = false;
        _out.ResetWrittenCount();
        Enter(SmtpPhase.Mail, result);
        var go = atOnce && offers.Pipelining ? await AllAtOnceAsync(envelope, mail, result) : await OneByOneAsync(envelope, mail, result);

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
            await DeliverAsync(mail, mark, result);
        }
        else
        {
            // Neither 354 nor a refusal is a reply out of turn: the verdict finds that by its code.
            result.Ending = go;
            InStep = go is { Refuses: true } && !SmtpVerdict.BlamesAccount(SmtpPhase.Data, go);
        }
    }

    private async ValueTask<SmtpReply?> AllAtOnceAsync(Envelope envelope, RenderedMail mail, TransactionResult result)
    {
        var withReset = _reset;
        if (withReset)
            Put("RSET\r\n"u8);
        PutMail(envelope, mail);
        foreach (var recipient in envelope.Recipients)
            PutRecipient(recipient);
        Put("DATA\r\n"u8);
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

    private async ValueTask<SmtpReply?> OneByOneAsync(Envelope envelope, RenderedMail mail, TransactionResult result)
    {
        if (_reset && await AskAsync("RSET\r\n"u8) is { Code: 421 } closing)
        {
            result.Ending = closing;
            return null;
        }

        PutMail(envelope, mail);
        if (Sender(await AskAsync([]), result))
            return null;

        Enter(SmtpPhase.Recipient, result);
        for (var i = 0; i < envelope.Recipients.Count; i++)
        {
            PutRecipient(envelope.Recipients[i]);
            Record(await AskAsync([]), i, result);
            if (Over(result))
                return null;
        }

        if (!result.AnyAccepted)
            return null;
        Enter(SmtpPhase.Data, result);
        return await AskAsync("DATA\r\n"u8);
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
        return (await AskAsync(".\r\n"u8)).Code is not 421;
    }

    private async ValueTask DeliverAsync(RenderedMail mail, AttemptMark mark, TransactionResult result)
    {
        if (!mark.TryBegin())
            throw new UnmarkedException();
        Enter(SmtpPhase.Body, result);
        using var blocks = new WireBlocks(mail);
        while (blocks.Next(_out))
        {
            if (await FlushAsync() is { } refusal)
            {
                result.Ending = refusal;
                return;
            }

            clock.Enter(SmtpPhase.Body);
        }

        Put(".\r\n"u8);

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

        // From here on the server may have it all, whatever the write says.
        Enter(SmtpPhase.Final, result);
        result.Ending = await FlushAsync() ?? await ReadAsync();
        _reset = !result.Ending.IsPositive;
        InStep = (result.Ending.IsPositive || result.Ending.Refuses) && !SmtpVerdict.BlamesAccount(SmtpPhase.Final, result.Ending);
    }

    private void Enter(SmtpPhase phase, TransactionResult result)
    {
        result.Phase = phase;
        clock.Enter(phase);
    }

    private void PutMail(Envelope envelope, RenderedMail mail)
    {
        Put("MAIL FROM:<"u8);
        Put(envelope.Sender);
        Put(">"u8);
        if (offers.Size)
        {
            Put(" SIZE="u8);
            Utf8Formatter.TryFormat(mail.Length, _out.GetSpan(16), out var digits);
            _out.Advance(digits);
        }

        if (mail.EightBit && offers.EightBit)
            Put(" BODY=8BITMIME"u8);
        if (offers.SmtpUtf8 && (envelope.NeedsSmtpUtf8 || mail.NeedsSmtpUtf8))
            Put(" SMTPUTF8"u8);
        Put("\r\n"u8);
    }

    private void PutRecipient(string recipient)
    {
        Put("RCPT TO:<"u8);
        Put(recipient);
        Put(">\r\n"u8);
    }

    private void Put(ReadOnlySpan<byte> bytes) => _out.Write(bytes);

    private void Put(string text)
    {
        // Judged at ingest; here stands the wire, and a line end in an address would be a command.
        if (text.AsSpan().ContainsAny('\r', '\n', '\0'))
            throw new MimeKit.ParseException("A line end in an address.", 0, 0);
        Encoding.UTF8.GetBytes(text, _out);
    }

    private ValueTask<SmtpReply> ReadAsync() => dialogue.Replies.ReadAsync(clock.Token);

    /// <summary>Sends what was put together, and then this.</summary>
    private ValueTask<SmtpReply> AskAsync(ReadOnlySpan<byte> command)
    {
        Put(command);
        return FlushThenReadAsync();
    }

    private async ValueTask<SmtpReply> FlushThenReadAsync()
    {
        var reply = await dialogue.AskAsync(_out.WrittenMemory);
        _out.ResetWrittenCount();
        return reply;
    }

    /// <summary>Null: it went out. Else the refusal with which the server left before it had everything.</summary>
    private async ValueTask<SmtpReply?> FlushAsync()
    {
        var refusal = await dialogue.WriteAsync(_out.WrittenMemory);
        _out.ResetWrittenCount();
        return refusal;
    }
}
