using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MimeKit;

namespace MailProxy.Pipeline.Send;

/// <summary>
/// The part of an attachment: its content from the draft, from a file that was fetched, or, where neither is at hand, a note of where it
/// is.
/// </summary>
internal static class MimeFile
{
    /// <param name="index">The attachment's index in the draft.</param>
    /// <param name="spooled">Where the octets of long content are.</param>
    public static MimeEntity Of(AttachmentDraft attachment, int index, LocalContent? file, SpooledBody? spooled)
    {
        if (spooled?.Find(attachment.Content) is { } place)
        {
            var plain = place.Form == SpooledForm.Plain;
            var kind = Type(attachment, base64: !plain);
            return new SpooledPart(kind, spooled, place).Named(kind, attachment);
        }

        if (file is not null)
        {
            var type = Type(attachment, base64: true);
            return new FromFile(type, file) { ContentTransferEncoding = ContentEncoding.Base64 }.Named(type, attachment);
        }

        if (AttachmentNotation.Inline(attachment) is { } inline)
            return FromMemory(attachment, Bytes(inline.Span));
        return Elsewhere(
            attachment,
            AttachmentNotation.Read(attachment, index).Fetched
                ?? throw new FormatException("An attachment has neither content nor a source.")
        );
    }

    /// <summary>Its octets stand between boundaries as they are.</summary>
    public static bool GoesUnencoded(AttachmentDraft attachment) => IsComposite(Type(attachment, base64: false));

    private static MimePart FromMemory(AttachmentDraft attachment, byte[] bytes)
    {
        // RFC 2046 section 5.2 allows message/* and multipart/* no base64: they go as they are, or as plain octets.
        var type = Type(attachment, base64: false);
        var plain = IsComposite(type) ? SevenBitText.Of(bytes) : null;
        if (plain is null)
            type = Type(attachment, base64: true);
        return new MimePart(type)
        {
            Content = new MimeContent(new MemoryStream(plain ?? bytes, writable: false)),
            ContentTransferEncoding = plain is null ? ContentEncoding.Base64 : ContentEncoding.SevenBit,
        }.Named(type, attachment);
    }

    // RFC 2046 section 5.2.3 and RFC 2017: what people see who look at a mail whose content is not at hand.
    private static MimePart Elsewhere(AttachmentDraft attachment, AttachmentRef fetched)
    {
        var url = fetched.Place is AttachmentPlace.Url;
        var type = Type(attachment, base64: true);
        using var phantom = new MimePart(type).Named(type, attachment);
        using var header = new MemoryStream();
        phantom.WriteTo(header);
        var note = new MimePart("message", "external-body") { ContentTransferEncoding = ContentEncoding.SevenBit };
        note.Content = new MimeContent(new MemoryStream(header.ToArray()));
        (string, string)[] place = [("access-type", url ? "URL" : "x-source"), (url ? "URL" : "name", fetched.Place.ToString())];
        note.Headers.Replace(FieldParameters.Field(HeaderId.ContentType, "message/external-body", place));
        return note;
    }

    private static T Named<T>(this T part, ContentType type, AttachmentDraft attachment)
        where T : MimePart
    {
        var name = AttachmentNotation.FileName(attachment);
        part.Headers.Replace(FieldParameters.Field(HeaderId.ContentType, type.MimeType, [.. Parameters(type), ("name", name)]));
        var disposition = attachment.InlineId is null ? ContentDisposition.Attachment : ContentDisposition.Inline;
        part.Headers.Add(FieldParameters.Field(HeaderId.ContentDisposition, disposition, [("filename", name)]));
        if (attachment.InlineId is { } id)
            part.Headers.Add(FieldParameters.Field(HeaderId.ContentId, $"<{id}>", []));
        return part;
    }

    private static IEnumerable<(string, string)> Parameters(ContentType type) =>
        type.Parameters.Where(static p => !p.Name.Equals("name", StringComparison.OrdinalIgnoreCase)).Select(static p => (p.Name, p.Value));

    private static ContentType Type(AttachmentDraft attachment, bool base64)
    {
        var type =
            attachment.ContentType is not { } written ? ContentType.Parse(MimeTypes.GetMimeType(AttachmentNotation.FileName(attachment)))
            : ContentType.TryParse(written, out var parsed) ? parsed
            : new("application", "octet-stream");
        return base64 && IsComposite(type) ? new("application", "octet-stream") : type;
    }

    private static bool IsComposite(ContentType type) => type.IsMimeType("message", "*") || type.IsMimeType("multipart", "*");

    private static byte[] Bytes(ReadOnlySpan<char> base64)
    {
        var bytes = new byte[base64.Length / 4 * 3];
        if (!Convert.TryFromBase64Chars(base64, bytes, out var length))
            throw new FormatException("An attachment is not base64.");
        Array.Resize(ref bytes, length);
        return bytes;
    }

    /// <summary>Leaves a gap in the octets, where the file's content is read in when the mail is sent.</summary>
    private sealed class FromFile(ContentType type, LocalContent file) : MimePart(type)
    {
        public override void WriteTo(FormatOptions options, Stream stream, bool contentOnly, CancellationToken cancellationToken = default)
        {
            base.WriteTo(options, stream, contentOnly, cancellationToken); // without content: the header and the empty line
            ((PooledBytes)stream).Insert(file.Path, 0, file.Size, plain: false);
        }
    }
}
