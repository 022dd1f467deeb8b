using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace MailProxy.Pipeline.Send;

/// <summary>Puts the commands of transactions together, as a server with these offers takes them. Pure.</summary>
internal sealed class SmtpCommands(SmtpOffers offers)
{
    private readonly ArrayBufferWriter<byte> _out = new(2048);

    public ReadOnlyMemory<byte> Written => _out.WrittenMemory;

    /// <summary>Takes down what is put from now on; null: nobody does.</summary>
    public Transcript? Notes { get; set; }

    /// <summary>For the octets of a body.</summary>
    public IBufferWriter<byte> Writer => _out;

    /// <summary>Everything between MAIL and the body.</summary>
    public void PutEnvelope(Outgoing mail)
    {
        PutMail(mail);
        foreach (var recipient in mail.Envelope.Recipients)
            PutRecipient(recipient);
        PutCommand("DATA");
    }

    /// <summary>A command without addresses, in ASCII.</summary>
    public void PutCommand(string command)
    {
        Notes?.Command(command);
        Encoding.ASCII.GetBytes(command, _out);
        Put("\r\n"u8);
    }

    public void PutMail(Outgoing mail)
    {
        Notes?.Mail(mail);
        Put("MAIL FROM:<"u8);
        Put(mail.Envelope.Sender);
        Put(">"u8);
        if (offers.Size)
        {
            Put(" SIZE="u8);
            PutNumber(mail.Mail.Length);
        }

        if (mail.Mail.EightBit && offers.EightBit)
            Put(" BODY=8BITMIME"u8);
        if (offers.SmtpUtf8 && (mail.Envelope.NeedsSmtpUtf8 || mail.Mail.NeedsSmtpUtf8))
            Put(" SMTPUTF8"u8);
        Put("\r\n"u8);
    }

    public void PutRecipient(string recipient)
    {
        Notes?.Recipient(recipient);
        Put("RCPT TO:<"u8);
        Put(recipient);
        Put(">\r\n"u8);
    }

    /// <summary>The whole body (RFC 3030): its dots stay as they are.</summary>
    public void PutChunk(ReadOnlySpan<byte> body)
    {
        Put("BDAT "u8);
        PutNumber(body.Length);
        Put(" LAST\r\n"u8);
        Put(body);
        Notes?.Chunk(body.Length);
    }

    public void Put(ReadOnlySpan<byte> octets) => _out.Write(octets);

    public void Clear() => _out.ResetWrittenCount();

    /// <summary>Whether the addresses can be put on the wire.</summary>
    public static bool MayBePut(Envelope envelope) => MayBePut(envelope.Sender) && envelope.Recipients.All(MayBePut);

    private static bool MayBePut(string address) => !address.AsSpan().ContainsAny('\r', '\n', '\0');

    private void Put(string text)
    {
        // Judged at ingest; here stands the wire, and a line end in an address would be a command.
        if (!MayBePut(text))
            throw new MimeKit.ParseException("A line end in an address.", 0, 0);
        Encoding.UTF8.GetBytes(text, _out);
    }

    private void PutNumber(long number)
    {
        Utf8Formatter.TryFormat(number, _out.GetSpan(20), out var digits);
        _out.Advance(digits);
    }
}
