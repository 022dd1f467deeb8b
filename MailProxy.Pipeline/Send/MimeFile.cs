using System.Text;
using MailProxy.Pipeline.Mail;
using MimeKit;

namespace MailProxy.Pipeline.Send;

/// <summary>The part of an attachment: its content from the draft, from a file that was fetched, or, where neither is at hand, a note of where it is.</summary>
internal static class MimeFile
{
    /// <param name="index">The attachment's place in the draft.</param>
    public static MimeEntity Of(AttachmentDraft attachment, int index, LocalContent? file)
    {
        if (file is not null) return new FromFile(Type(attachment, base64: true), file) { ContentTransferEncoding = ContentEncoding.Base64 }.Named(attachment);
        if (AttachmentNotation.Inline(attachment) is { } inline) return FromMemory(attachment, Bytes(inline.Span));
        return Elsewhere(attachment, AttachmentNotation.Read(attachment, index).Fetched ?? throw new FormatException("An attachment has neither content nor a source."));
    }

    private static MimePart FromMemory(AttachmentDraft attachment, byte[] bytes)
    {
        // RFC 2046 section 5.2 allows message/* and multipart/* no base64: they go as they are, or as plain octets.
        var plain = IsComposite(Type(attachment, base64: false)) && IsSevenBit(bytes);
        return new MimePart(Type(attachment, base64: !plain))
        {
            Content = new MimeContent(new MemoryStream(bytes, writable: false)),
            ContentTransferEncoding = plain ? ContentEncoding.SevenBit : ContentEncoding.Base64,
        }.Named(attachment);
    }

    // RFC 2046 section 5.2.3 and RFC 2017: what people see who look at a mail whose content is not at hand.
    private static MimePart Elsewhere(AttachmentDraft attachment, AttachmentRef fetched)
    {
        var type = new ContentType("message", "external-body");
        var url = fetched.Place is AttachmentPlace.Url;
        type.Parameters["access-type"] = url ? "URL" : "x-source";
        type.Parameters[url ? "URL" : "name"] = fetched.Place.ToString();
        using var phantom = new MimePart(Type(attachment, base64: true)).Named(attachment);
        using var header = new MemoryStream();
        phantom.WriteTo(header);
        return new MimePart(type) { Content = new MimeContent(new MemoryStream(header.ToArray())), ContentTransferEncoding = ContentEncoding.SevenBit };
    }

    private static T Named<T>(this T part, AttachmentDraft attachment)
        where T : MimePart
    {
        part.ContentDisposition = new(attachment.InlineId is null ? ContentDisposition.Attachment : ContentDisposition.Inline);
        part.ContentId = attachment.InlineId;
        part.FileName = AttachmentNotation.FileName(attachment);
        return part;
    }

    private static ContentType Type(AttachmentDraft attachment, bool base64)
    {
        var type = attachment.ContentType is not { } written
            ? ContentType.Parse(MimeTypes.GetMimeType(AttachmentNotation.FileName(attachment)))
            : ContentType.TryParse(written, out var parsed) ? parsed : new("application", "octet-stream");
        return base64 && IsComposite(type) ? new("application", "octet-stream") : type;
    }

    private static bool IsComposite(ContentType type) => type.IsMimeType("message", "*") || type.IsMimeType("multipart", "*");

    private static byte[] Bytes(ReadOnlySpan<char> base64)
    {
        var bytes = new byte[base64.Length / 4 * 3];
        if (!Convert.TryFromBase64Chars(base64, bytes, out var length)) throw new FormatException("An attachment is not base64.");
        Array.Resize(ref bytes, length);
        return bytes;
    }

    private static bool IsSevenBit(ReadOnlySpan<byte> bytes)
    {
        if (!Ascii.IsValid(bytes) || bytes.Contains((byte)0)) return false;
        foreach (var line in bytes.Split((byte)'\n'))
        {
            if (bytes[line].Length > MimeBody.LongestLine) return false;
        }

        return true;
    }

    /// <summary>Leaves a gap in the octets, where the file's content is read in when the mail is sent.</summary>
    private sealed class FromFile(ContentType type, LocalContent file) : MimePart(type)
    {
        public override void WriteTo(FormatOptions options, Stream stream, bool contentOnly, CancellationToken cancellationToken = default)
        {
            base.WriteTo(options, stream, contentOnly, cancellationToken); // without content: the header and the empty line
            ((PooledBytes)stream).Insert(file.Path, file.Size);
        }
    }
}
