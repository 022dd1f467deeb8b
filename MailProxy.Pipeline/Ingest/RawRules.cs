using System.Buffers;
using System.Text;
using MailProxy.Pipeline.Intake;
using MailProxy.Pipeline.Mail;
using MimeKit.Utils;

namespace MailProxy.Pipeline.Ingest;

/// <summary>What the engine needs to know of a raw message, which the client composed itself.</summary>
/// <param name="From">Every mailbox of its From header; empty without <c>raw</c>.</param>
/// <param name="Sender">The mailbox of the Sender header; null when there is none, or none that can be read.</param>
/// <param name="MessageId">With angle brackets; null when the message has none.</param>
/// <param name="Readable">False: a mistake was reported already.</param>
internal sealed record RawHead(IReadOnlyList<Mailbox> From, Mailbox? Sender, string? MessageId, string? Subject, bool Readable)
{
    public static readonly RawHead None = new([], null, null, null, true);
    public static readonly RawHead Unreadable = new([], null, null, null, false);

    /// <summary>Whether the message has a Sender header.</summary>
    public bool HasSender { get; init; }

    /// <summary>The message, when it is in a file.</summary>
    public SpooledRaw? InFile { get; init; }

    /// <summary>The message's octets in wire form; null when they are as submitted.</summary>
    public ReadOnlyMemory<byte>? Octets { get; init; }

    /// <summary>The default address for bounces: the From mailbox when there is only one, otherwise the Sender's.</summary>
    public Mailbox? Responsible => From.Count == 1 ? From[0] : Sender;
}

/// <summary>Reads <c>raw</c> once: converts it into its wire form and validates that; of the body only the line lengths.</summary>
internal static class RawRules
{
    /// <summary>Most mailboxes of a From header.</summary>
    private const int MaxFrom = 100;

    /// <summary>Most bytes of the header.</summary>
    private const int MaxHead = 1 << 20;

    /// <summary>Most bytes of the header as written, what is left out included, when the message is in a file.</summary>
    private const int MostHead = 4 * MaxHead;

    private const string Code = "malformed_raw";

    private static readonly string[] Excluded = ["subject", "text", "html", "headers", "attachments", "alternatives", "unsubscribe"];

    public static RawHead Read(MailDraft mail, SpooledStrings? spooled, Mistakes mistakes, IngestOptions options, string mailKeyHeader)
    {
        if (mail.Raw is null)
            return RawHead.None;
        object?[] beside = [mail.Subject, mail.Text, mail.Html, mail.Headers, mail.Attachments, mail.Alternatives, mail.Unsubscribe];
        for (var i = 0; i < beside.Length; i++)
        {
            if (beside[i] is not null)
                mistakes.Add("/" + Excluded[i], "raw_excludes", "A raw message carries this itself.");
        }

        var inFile = spooled?.Find(mail.Raw);
        var length = 0;
        if (inFile is { IsValid: false } || (inFile is null && !Base64Text.IsValid(mail.Raw, out length)))
        {
            mistakes.Add("/raw", "invalid_base64", Base64Text.Rule);
            return RawHead.Unreadable;
        }

        if (inFile is not null)
        {
            var message = new SpooledRaw(spooled!, inFile, mailKeyHeader, MostHead);
            var head = Read(message.Facts, message.Head, mistakes, options, mailKeyHeader);
            return head.Readable ? head with { InFile = message } : head;
        }

        var octets = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            return Convert.TryFromBase64Chars(mail.Raw, octets, out var written)
                ? Read(octets.AsSpan(0, written), mistakes, options, mailKeyHeader)
                : throw new FormatException("Valid base64 cannot be decoded.");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(octets);
        }
    }

    private static RawHead Read(ReadOnlySpan<byte> raw, Mistakes mistakes, IngestOptions options, string mailKeyHeader)
    {
        var into = new ArrayBufferWriter<byte>(raw.Length + (raw.Length / 32) + 16);
        var facts = RawOctets.Write(raw, mailKeyHeader, into);
        var octets = into.WrittenMemory;
        var found = Read(facts, octets.Span[..facts.HeadLength], mistakes, options, mailKeyHeader);
        return !found.Readable || octets.Span.SequenceEqual(raw) ? found : found with { Octets = octets };
    }

    private static RawHead Read(RawFacts facts, ReadOnlySpan<byte> head, Mistakes mistakes, IngestOptions options, string mailKeyHeader)
    {
        if (facts.HadMailKey)
            mistakes.Add("/raw", "reserved_header", $"The header {mailKeyHeader} is made here: leave it out.");
        var fields = new RawFields();
        var found = RawHead.None;
        if ((Fault(facts) ?? fields.Read(head) ?? Known(fields, options, ref found)) is { } fault)
        {
            mistakes.Add("/raw", Code, fault);
            return RawHead.Unreadable;
        }

        return found;
    }

    private static string? Fault(RawFacts facts) =>
        facts switch
        {
            { HeadLength: 0 } => "Not an RFC 5322 message: it begins without a header.",
            { HeadLength: > MaxHead } => $"The header has more than {MaxHead} bytes.",
            { HasNul: true } => "The message has a NUL; no mail server takes one. Encode the part that needs it as base64.",
            { LongestLine: > RawOctets.LongestLine and var octets } =>
                $"A line has {octets} octets, and RFC 5322 allows {RawOctets.LongestLine}: encode the part as quoted-printable or base64.",
            { ReturnInHead: true } => "A line of the header ends with a CR alone: write CRLF, or LF.",
            _ => null,
        };

    private static string? Known(RawFields fields, IngestOptions options, ref RawHead found)
    {
        if (fields["From"] is not { } written)
            return "The message has no From header.";
        if (FromHeader.Read(written, MaxFrom, out var from) is { } fault)
            return $"The From header {fault}.";
        var sender = fields["Sender"] is { } one && FromHeader.Read(one, 1, out var senders) is null ? senders[0] : (Mailbox?)null;
        var messageId = fields["Message-ID"] is { } id ? MessageIdHeader.Read(id) : null;
        if (fields["Message-ID"] is not null && messageId is null)
        {
            return "The Message-ID header is not <text>: correct it, or leave it out to have one generated.";
        }

        found = new(from, sender, messageId, Subject(fields["Subject"], options), true) { HasSender = fields["Sender"] is not null };
        return null;
    }

    // Used for lists and answers only; the header itself is sent unchanged.
    private static string? Subject(string? written, IngestOptions options)
    {
        if (written is null)
            return null;
        var text = Rfc2047.DecodeText(Encoding.UTF8.GetBytes(written));
        return text.Length > options.MaxSubjectLength ? text[..options.MaxSubjectLength] : text;
    }
}
