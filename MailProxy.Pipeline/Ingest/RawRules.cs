using MailProxy.Pipeline.Mail;
using MimeKit;

namespace MailProxy.Pipeline.Ingest;

/// <summary>What the engine has to know of a whole message that a client composed itself.</summary>
/// <param name="From">Every mailbox of its From header; empty without <c>raw</c>.</param>
/// <param name="Sender">The one From mailbox, else the Sender header's; null: neither.</param>
/// <param name="MessageId">With angle brackets, or null: it has none.</param>
/// <param name="Readable">False: a mistake was told already.</param>
internal readonly record struct RawHead(IReadOnlyList<Mailbox> From, Mailbox? Sender, string? MessageId, string? Subject, bool Readable)
{
    public static readonly RawHead None = new([], null, null, null, true);
    public static readonly RawHead Unreadable = new([], null, null, null, false);
}

/// <summary>Reads the head of <c>raw</c>; the rest is nobody's business before it is sent.</summary>
internal static class RawRules
{
    /// <summary>Bytes within which the headers of a raw message must end.</summary>
    private const int MaxHead = 1 << 20;

    private static readonly string[] Excluded = ["subject", "text", "html", "headers", "attachments"];

    public static RawHead Read(MailDraft mail, Mistakes mistakes, IngestOptions options)
    {
        if (mail.Raw is null) return RawHead.None;
        bool[] beside = [mail.Subject is not null, mail.Text is not null, mail.Html is not null, mail.Headers is not null, mail.Attachments is not null];
        for (var i = 0; i < beside.Length; i++)
        {
            if (beside[i]) mistakes.Add("/" + Excluded[i], "raw_excludes", "A raw message carries this itself.");
        }

        if (!AttachmentRules.IsBase64(mail.Raw, out var length))
        {
            mistakes.Add("/raw", "invalid_base64", AttachmentRules.Base64Rule);
            return RawHead.Unreadable;
        }

        if (Headers(mail.Raw, length) is { } headers && Head(headers, options) is { } head) return head;
        mistakes.Add("/raw", "malformed_raw", "Not an RFC 5322 message: it needs headers, one readable From among them, and at most one Message-ID.");
        return RawHead.Unreadable;
    }

    private static RawHead? Head(HeaderList headers, IngestOptions options)
    {
        List<Mailbox>? from = null;
        Mailbox? sender = null;
        string? messageId = null, subject = null;
        foreach (var header in headers)
        {
            switch (header.Id)
            {
                case HeaderId.From:
                    if (from is not null || (from = Mailboxes(header)) is null) return null;
                    break;
                case HeaderId.Sender:
                    sender = Mailboxes(header) is [var one] ? one : null;
                    break;
                case HeaderId.MessageId:
                    if (messageId is not null || (messageId = HeaderRules.MessageId(header.Value)) is null) return null;
                    break;
                case HeaderId.Subject:
                    subject ??= header.Value.Length > options.MaxSubjectLength ? header.Value[..options.MaxSubjectLength] : header.Value;
                    break;
            }
        }

        return from is null ? null : new(from, from.Count == 1 ? from[0] : sender, messageId, subject, true);
    }

    private static List<Mailbox>? Mailboxes(Header header)
    {
        if (!InternetAddressList.TryParse(header.RawValue, out var list)) return null;
        var mailboxes = new List<Mailbox>();
        foreach (var written in list.Mailboxes)
        {
            if (Addresses.ReadBare(written.Address, out var mailbox) is not null) return null;
            mailboxes.Add(mailbox);
        }

        return mailboxes.Count > 0 ? mailboxes : null;
    }

    // Decodes no more than the headers need: an attachment of 40 MB behind them stays text.
    private static HeaderList? Headers(string raw, int length)
    {
        for (var take = 16 * 1024; ; take *= 8)
        {
            var chars = Math.Min(raw.Length, take / 3 * 4);
            var bytes = new byte[Math.Min(length, take)];
            if (!Convert.TryFromBase64Chars(raw.AsSpan(0, chars), bytes, out var written)) return null;
            var end = EndOfHead(bytes.AsSpan(0, written));
            if (end < 0 && chars == raw.Length) end = written;
            if (end > 0) return Parse(bytes, end);
            if (end == 0 || take > MaxHead) return null;
        }
    }

    private static int EndOfHead(ReadOnlySpan<byte> bytes)
    {
        var lf = bytes.IndexOf("\n\n"u8);
        var crlf = bytes.IndexOf("\n\r\n"u8);
        return lf < 0 ? crlf < 0 ? -1 : crlf + 1 : crlf < 0 ? lf + 1 : Math.Min(lf, crlf) + 1;
    }

    private static HeaderList? Parse(byte[] bytes, int length)
    {
        try
        {
            using var stream = new MemoryStream(bytes, 0, length, writable: false);
            return HeaderList.Load(stream);
        }
        catch (FormatException)
        {
            return null;
        }
    }
}
