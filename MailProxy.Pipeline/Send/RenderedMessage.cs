using MimeKit;

namespace MailProxy.Pipeline.Send;

/// <summary>
/// Rendered bytes in the clothes that MailKit's transaction asks for. MimeMessage's own writing cannot be overridden, so the header goes
/// out as one opaque header and the body as a part that awaits the mark before its last block. Serves one mail at a time.
/// </summary>
internal sealed class RenderedMessage : IDisposable
{
    /// <summary>What MimeKit would add for its own part is hidden; it is in the rendered header already.</summary>
    private static readonly FormatOptions Plain = Format(international: false), International = Format(international: true);

    private readonly MimeMessage _message = new(new HeaderList());
    private readonly RenderedBody _sevenBit, _eightBit;

    public RenderedMessage(PhaseClock clock)
    {
        _sevenBit = new(clock) { ContentTransferEncoding = ContentEncoding.SevenBit };
        _eightBit = new(clock) { ContentTransferEncoding = ContentEncoding.EightBit };
    }

    /// <summary>Dresses a mail. The message is the same object every time.</summary>
    public MimeMessage Wear(RenderedMail mail, Task<bool> mark)
    {
        var body = mail.EightBit ? _eightBit : _sevenBit;
        body.Mail = mail;
        body.Mark = mark;
        _message.Body = body;
        var header = new OpaqueHeader(mail.Buffer.AsSpan(0, mail.HeaderLength).ToArray());
        if (_message.Headers.Count == 0) _message.Headers.Add(header);
        else _message.Headers[0] = header;
        return _message;
    }

    public static FormatOptions OptionsFor(bool smtpUtf8) => smtpUtf8 ? International : Plain;

    public void Dispose() => _message.Dispose();

    private static FormatOptions Format(bool international)
    {
        var format = FormatOptions.Default.Clone();
        format.NewLineFormat = NewLineFormat.Dos;
        format.International = international;
        format.HiddenHeaders.UnionWith([HeaderId.ContentType, HeaderId.ContentTransferEncoding, HeaderId.MimeVersion]);
        return format;
    }

    /// <summary>A header block, written as it is.</summary>
    private sealed class OpaqueHeader(byte[] block) : Header(ParserOptions.Default, block, 0, [], invalid: true);

    private sealed class RenderedBody(PhaseClock clock) : MimePart("application", "octet-stream")
    {
        /// <summary>Held back until the mark stands.</summary>
        private const int LastBlock = 4096;

        public RenderedMail? Mail { get; set; }
        public Task<bool>? Mark { get; set; }

        public override async Task WriteToAsync(FormatOptions options, Stream stream, bool contentOnly, CancellationToken cancellationToken = default)
        {
            clock.Enter(SmtpPhase.Body);
            var (mail, mark) = (Mail!, Mark!);
            var start = mail.HeaderLength + 2;
            var last = Math.Max(start, mail.Length - LastBlock);
            if (last > start) await stream.WriteAsync(mail.Buffer, start, last - start, cancellationToken);

            if (!await Stands(mark, cancellationToken)) throw new UnmarkedException();
            await stream.WriteAsync(mail.Buffer, last, mail.Length - last, cancellationToken);
            clock.Enter(SmtpPhase.Final);
        }

        private static async ValueTask<bool> Stands(Task<bool> mark, CancellationToken cancel)
        {
            try
            {
                return await mark.WaitAsync(cancel);
            }
            catch (Exception) when (mark.IsFaulted || mark.IsCanceled)
            {
                return false;
            }
        }
    }
}

/// <summary>The mark did not come. Not an SMTP error to MailKit, so it drops the connection in the middle of DATA.</summary>
internal sealed class UnmarkedException() : Exception("The attempt was not marked.");
