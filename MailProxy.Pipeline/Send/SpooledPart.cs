using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MimeKit;

namespace MailProxy.Pipeline.Send;

/// <summary>A part whose octets are in the message's spool file; they leave a gap, where they are read in when the mail is sent.</summary>
internal sealed class SpooledPart : MimePart
{
    private readonly SpooledBody _file;
    private readonly SpooledRef _place;

    public SpooledPart(ContentType type, SpooledBody file, SpooledRef place)
        : base(type)
    {
        (_file, _place) = (file, place);
        ContentTransferEncoding = place.Form == SpooledForm.Plain ? ContentEncoding.SevenBit : ContentEncoding.Base64;
    }

    public override void WriteTo(FormatOptions options, Stream stream, bool contentOnly, CancellationToken cancellationToken = default)
    {
        base.WriteTo(options, stream, contentOnly, cancellationToken); // without content: the header and the empty line
        ((PooledBytes)stream).Insert(_file.Path, _place.Offset, _place.Length, _place.Form == SpooledForm.Plain);
    }
}
