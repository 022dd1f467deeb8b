using System.Buffers;
using System.Security.Cryptography;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Mail;
using MimeKit;

namespace MailProxy.Pipeline.Ingest;

/// <summary>
/// Decides how the long strings of an accepted draft go out, and puts those that cannot go as they came into the form of the
/// wire, at the end of
/// the same file. Reads and writes that file block by block.
/// </summary>
internal static class SpooledTexts
{
    /// <exception cref="IOException">The disk is full, or does not write or read.</exception>
    public static void Settle(MailDraft mail, SpooledStrings spooled)
    {
        Text(spooled, mail.Text);
        Text(spooled, mail.Html);
        foreach (var attachment in mail.Attachments ?? [])
        {
            if (attachment is null || spooled.Find(attachment.Content) is not { } content)
                continue;

            // RFC 2046 section 5.2 allows message/* and multipart/* no base64: they go as they are, or as plain octets.
            if (ContentType.TryParse(attachment.ContentType, out var type) && IsComposite(type))
                Composite(spooled, content);
            else
                content.Stored = new(SpooledForm.Base64, content.Offset, content.Length);
        }
    }

    /// <summary>Writes into the file, through its own memory.</summary>
    public static IBufferWriter<byte> Writer(SpoolDraft file) => new FileWriter(file);

    /// <summary>MD5 of a string's octets, as a client may claim it.</summary>
    public static byte[] Md5(SpooledStrings spooled, SpooledString content)
    {
        using var md5 = IncrementalHash.CreateHash(HashAlgorithmName.MD5);
        spooled.Read(content.Offset, content.Length, md5.AppendData);
        return md5.GetHashAndReset();
    }

    private static void Text(SpooledStrings spooled, string? written)
    {
        if (spooled.Find(written) is not { } text)
            return;
        var seen = Look(spooled, text);
        var plain = seen is { IsSevenBit: true, HasFromLine: false, HasBoundary: false };
        text.Stored = Store(spooled, text, seen, plain);
    }

    private static void Composite(SpooledStrings spooled, SpooledString content)
    {
        var seen = Look(spooled, content);
        var plain = seen is { IsSevenBit: true, HasReturn: false, HasBoundary: false };
        content.Stored = plain ? Store(spooled, content, seen, plain) : new(SpooledForm.Base64, content.Offset, content.Length);
    }

    private static WireText Look(SpooledStrings spooled, SpooledString text)
    {
        var seen = new WireText(null);
        spooled.Read(text.Offset, text.Length, seen.Next);
        seen.End();
        return seen;
    }

    private static SpooledRef Store(SpooledStrings spooled, SpooledString text, WireText seen, bool plain)
    {
        var form = plain ? SpooledForm.Plain : SpooledForm.Base64;
        if (seen.IsUnchanged)
            return new(form, text.Offset, text.Length);
        var offset = spooled.File.Length;
        var wire = new WireText(Writer(spooled.File));
        spooled.Read(text.Offset, text.Length, wire.Next);
        wire.End();
        spooled.File.Flush();
        return new(form, offset, spooled.File.Length - offset);
    }

    private static bool IsComposite(ContentType type) => type.IsMimeType("message", "*") || type.IsMimeType("multipart", "*");

    private sealed class FileWriter(SpoolDraft file) : IBufferWriter<byte>
    {
        private const int Enough = 64 * 1024;

        private int _since;

        public void Advance(int count)
        {
            file.Advance(count);
            _since += count;
            if (_since < Enough)
                return;
            file.Flush();
            _since = 0;
        }

        public Span<byte> GetSpan(int sizeHint = 0) => file.Space(Math.Max(sizeHint, 1));

        public Memory<byte> GetMemory(int sizeHint = 0) => throw new NotSupportedException();
    }
}
