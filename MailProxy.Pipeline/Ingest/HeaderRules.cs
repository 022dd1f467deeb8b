using System.Buffers;
using System.Collections.Frozen;
using System.Text;
using MailProxy.Pipeline.Intake;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Ingest;

/// <summary>
/// Validates a client's own headers: any header is allowed that neither belongs to a field of the contract, nor describes how the message
/// is
/// built or was transported.
/// </summary>
internal static class HeaderRules
{
    private static readonly SearchValues<char> NameChars = SearchValues.Create([
        .. Enumerable.Range(33, 94).Select(c => (char)c).Where(c => c != ':'),
    ]);

    private static readonly FrozenSet<string> Ours = new[]
    {
        "From",
        "To",
        "Cc",
        "Bcc",
        "Subject",
        "Date",
        "Sender",
        "Reply-To",
        "MIME-Version",
        "Received",
        "Return-Path",
        "DKIM-Signature",
        "Authentication-Results",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>Returns the Message-ID that the client chose, or null.</summary>
    public static string? Check(Dictionary<string, string>? headers, Mistakes mistakes, IngestOptions options, string mailKeyHeader)
    {
        if (headers is null)
            return null;
        string? messageId = null;
        long bytes = 0;
        HashSet<string>? names = headers.Count > 1 ? new(headers.Count, StringComparer.OrdinalIgnoreCase) : null;
        foreach (var (name, value) in headers)
        {
            var pointer = JsonPointer.Member("/headers", name);
            bytes += name.Length + 4 + (value is null ? 0 : Encoding.UTF8.GetByteCount(value));
            if (names?.Add(name) == false)
                mistakes.Add(pointer, "duplicate_header", "Given twice, in different case.");
            if (Faults.Injection(name) is { } injection)
                mistakes.Add(pointer, injection);
            else if (name.Length is 0 or > 76 || name.AsSpan().ContainsAnyExcept(NameChars))
                mistakes.Add(pointer, "invalid_header", "A header's name is 1 to 76 visible ASCII characters without a colon.");
            else if (IsOurs(name, mailKeyHeader))
                mistakes.Add(pointer, "reserved_header", "This header is made from the message's other fields, or on the way.");

            if (Value(name, value) is { } fault)
                mistakes.Add(pointer, fault);
            else if (!name.Equals("Message-ID", StringComparison.OrdinalIgnoreCase))
                continue;
            else if ((messageId = MessageId(value!)) is null)
                mistakes.Add(pointer, "invalid_message_id", "A Message-ID is <left@right>, of visible ASCII characters.");
        }

        if (bytes > options.MaxHeaderBytes)
            mistakes.Add("/headers", "headers_too_large", $"At most {options.MaxHeaderBytes} bytes of headers.");
        return messageId;
    }

    /// <summary>The Message-ID with angle brackets; null when the value is invalid (RFC 5322 3.6.4, without its obsolete forms).</summary>
    public static string? MessageId(string value)
    {
        var id = value.AsSpan().Trim(" \t\r\n");
        if (id is ['<', .., '>'])
            id = id[1..^1];
        var at = id.IndexOf('@');
        if (at <= 0 || at == id.Length - 1 || id[(at + 1)..].Contains('@') || id.Length > 500)
            return null;
        return id.ContainsAnyExceptInRange('!', '~') || id.ContainsAny("<>()\\\",;") ? null : $"<{id}>";
    }

    private static bool IsOurs(string name, string mailKeyHeader) =>
        Ours.Contains(name)
        || name.StartsWith("Content-", StringComparison.OrdinalIgnoreCase)
        || name.StartsWith("Resent-", StringComparison.OrdinalIgnoreCase)
        || name.Equals(mailKeyHeader, StringComparison.OrdinalIgnoreCase);

    private static (string Code, string Detail)? Value(string name, string? value)
    {
        if (value is null)
            return ("invalid_type", "Must be text.");
        if (Faults.InText(value, int.MaxValue, tabAllowed: true) is { } fault)
            return fault;
        return HeaderFields.Fault(name, value) is { } unfit ? ("invalid_header", unfit) : null;
    }
}
