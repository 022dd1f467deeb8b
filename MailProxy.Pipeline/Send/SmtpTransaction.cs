using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace MailProxy.Pipeline.Send;

/// <summary>What the server offered after EHLO.</summary>
internal readonly record struct SmtpOffers(bool Pipelining, bool EightBit, bool SmtpUtf8, bool Size);

/// <summary>
/// MAIL, RCPT…, DATA on an open connection (RFC 5321). With PIPELINING all commands up to DATA go out in one write (RFC 2920).
/// Fills in a <see cref="TransactionResult"/>; what breaks the conversation is thrown, and the result says how far it had come.
/// </summary>
internal sealed class SmtpTransaction(Stream stream, ReplyReader replies, PhaseClock clock, SmtpOffers offers)
{
    private readonly ArrayBufferWriter<byte> _out = new(2048);
    private bool _reset;

    /// <summary>False once the conversation is out of step: the connection must not be used again.</summary>
    public bool InStep { get; private set; } = true;

    public async Task RunAsync(Envelope envelope, RenderedMail mail, Task<bool> mark, TransactionResult result)
    {
        InStep = false;
        Enter(SmtpPhase.Mail, result);
        var go = offers.Pipelining ? await AllAtOnceAsync(envelope, mail, result) : await OneByOneAsync(envelope, mail, result);

        // Until a mail was taken the server may remember a sender; the next transaction begins with RSET.
        _reset = true;
        if (result.Ending is not null)
        {
            InStep = !SmtpVerdict.BlamesAccount(result.Phase, result.Ending.Code);
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
            // 2xx to DATA is a reply out of turn: the verdict finds that by its code.
            result.Ending = go;
            InStep = go is { IsTransient: true } or { IsPermanent: true } && !SmtpVerdict.BlamesAccount(SmtpPhase.Data, go.Code);
        }
    }

    private async ValueTask<SmtpReply?> AllAtOnceAsync(Envelope envelope, RenderedMail mail, TransactionResult result)
    {
        var withReset = _reset;
        if (withReset) Put("RSET\r\n"u8);
        PutMail(envelope, mail);
        foreach (var recipient in envelope.Recipients) PutRecipient(recipient);
        Put("DATA\r\n"u8);
        await FlushAsync();

        if (withReset) await replies.ReadAsync(clock.Token);
        var refused = await SenderAsync(result);
        if (Over(result)) return null;
        if (!refused) Enter(SmtpPhase.Recipient, result);
        for (var i = 0; i < envelope.Recipients.Count; i++)
        {
            var reply = await replies.ReadAsync(clock.Token);

            // After a refused MAIL each RCPT is answered with 503, which says nothing about the recipient.
            if (refused) continue;
            Record(reply, i, result);
            if (Over(result)) return null;
        }

        if (result.AnyAccepted) Enter(SmtpPhase.Data, result);
        var go = await replies.ReadAsync(clock.Token);
        if (refused && !await WithdrawAsync(go)) throw new SmtpGarbageException("The server lost step after it had refused the sender.");
        return go;
    }

    private async ValueTask<SmtpReply?> OneByOneAsync(Envelope envelope, RenderedMail mail, TransactionResult result)
    {
        if (_reset) await AskAsync("RSET\r\n"u8);
        PutMail(envelope, mail);
        await FlushAsync();
        if (await SenderAsync(result)) return null;

        Enter(SmtpPhase.Recipient, result);
        for (var i = 0; i < envelope.Recipients.Count; i++)
        {
            PutRecipient(envelope.Recipients[i]);
            await FlushAsync();
            Record(await replies.ReadAsync(clock.Token), i, result);
            if (Over(result)) return null;
        }

        if (!result.AnyAccepted) return null;
        Enter(SmtpPhase.Data, result);
        return await AskAsync("DATA\r\n"u8);
    }

    private async ValueTask<bool> SenderAsync(TransactionResult result)
    {
        var reply = await replies.ReadAsync(clock.Token);
        result.SenderAnswered = true;
        if (reply.IsPositive) return false;
        result.Ending = reply;
        return true;
    }

    private void Record(SmtpReply reply, int index, TransactionResult result)
    {
        if (SmtpVerdict.BlamesAccount(SmtpPhase.Recipient, reply.Code)) result.Ending = reply;
        else result.Recipients[index] = reply;
        clock.Enter(SmtpPhase.Recipient);
    }

    private static bool Over(TransactionResult result) => result.Ending is { } ending && SmtpVerdict.BlamesAccount(result.Phase, ending.Code);

    // DATA went out before the server had refused everything. If it says 354 all the same, it gets an empty mail for nobody: a lone dot.
    private async ValueTask<bool> WithdrawAsync(SmtpReply go)
    {
        if (go.Code == 354) go = await AskAsync(".\r\n"u8);
        return go.Code != 421;
    }

    private async ValueTask DeliverAsync(RenderedMail mail, Task<bool> mark, TransactionResult result)
    {
        Enter(SmtpPhase.Body, result);
        using var blocks = new WireBlocks(mail);
        while (blocks.Next(_out))
        {
            await FlushAsync();
            clock.Enter(SmtpPhase.Body);
        }

        Put(".\r\n"u8);
        if (!await StandsAsync(mark)) throw new UnmarkedException();

        // A reply that nobody asked for would be taken for the one to the final dot.
        if (replies.HasLeftovers) throw new SmtpGarbageException("The server said more than it was asked.");

        // From here on the server may have it all, whatever the write says.
        Enter(SmtpPhase.Final, result);
        await FlushAsync();
        result.Ending = await replies.ReadAsync(clock.Token);
        _reset = !result.Ending.IsPositive;
        InStep = !SmtpVerdict.BlamesAccount(SmtpPhase.Final, result.Ending.Code) && result.Ending.Code is (>= 200 and < 300) or (>= 400 and < 600);
    }

    // The clock's time for the body runs on: a mark that does not come in that time is none.
    private async ValueTask<bool> StandsAsync(Task<bool> mark)
    {
        try
        {
            return await mark.WaitAsync(clock.Token);
        }
        catch (Exception) when (mark.IsFaulted || mark.IsCanceled)
        {
            return false;
        }
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

        if (mail.EightBit && offers.EightBit) Put(" BODY=8BITMIME"u8);
        if (offers.SmtpUtf8 && (envelope.NeedsSmtpUtf8 || mail.NeedsSmtpUtf8)) Put(" SMTPUTF8"u8);
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
        if (text.AsSpan().ContainsAny('\r', '\n', '\0')) throw new MimeKit.ParseException("A line end in an address.", 0, 0);
        Encoding.UTF8.GetBytes(text, _out);
    }

    private ValueTask<SmtpReply> AskAsync(ReadOnlySpan<byte> command)
    {
        Put(command);
        return FlushThenReadAsync();
    }

    private async ValueTask<SmtpReply> FlushThenReadAsync()
    {
        await FlushAsync();
        return await replies.ReadAsync(clock.Token);
    }

    private async ValueTask FlushAsync()
    {
        await stream.WriteAsync(_out.WrittenMemory, clock.Token);
        _out.ResetWrittenCount();
    }
}
