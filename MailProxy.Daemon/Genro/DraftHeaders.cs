using System.Text.Json;

namespace MailProxy.Daemon.Genro;

/// <summary>
/// A message's own headers. Those that are members here stand for them; those that describe how a mail is built or was transported are left
/// out.
/// </summary>
internal sealed class DraftHeaders
{
    private static readonly HashSet<string> LeftOut = new(StringComparer.OrdinalIgnoreCase)
    {
        "To",
        "Cc",
        "Bcc",
        "Date",
        "Sender",
        "MIME-Version",
        "Received",
        "Return-Path",
        "DKIM-Signature",
        "Authentication-Results",
        MessageDraft.IdHeader,
    };

    private static readonly Dictionary<string, string> None = new(StringComparer.OrdinalIgnoreCase);

    private readonly Dictionary<string, string> _headers = None;

    public DraftHeaders(GenroReader message)
    {
        if (message.Object("headers") is not { } headers)
            return;
        _headers = new(StringComparer.OrdinalIgnoreCase);
        foreach (var member in headers.Root.EnumerateObject())
        {
            var value = member.Value.ValueKind switch
            {
                JsonValueKind.Null => null,
                JsonValueKind.String => member.Value.GetString(),
                JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => member.Value.GetRawText(),
                _ => Wrong(headers, member.Name),
            };
            if (value is not null)
                Take(member.Name, value);
        }
    }

    public string? From { get; private set; }

    public string? ReplyTo { get; private set; }

    public string? Subject { get; private set; }

    public void Write(Utf8JsonWriter json, string id, string? messageId)
    {
        json.WriteStartObject("headers"u8);
        json.WriteString(MessageDraft.IdHeader, id);
        if (messageId is { Length: > 0 } && !_headers.ContainsKey("Message-ID"))
            json.WriteString("Message-ID"u8, messageId);
        foreach (var (name, value) in _headers)
            json.WriteString(name, value);
        json.WriteEndObject();
    }

    private void Take(string name, string value)
    {
        if (name.Equals("From", StringComparison.OrdinalIgnoreCase))
            From = value;
        else if (name.Equals("Reply-To", StringComparison.OrdinalIgnoreCase))
            ReplyTo = value;
        else if (name.Equals("Subject", StringComparison.OrdinalIgnoreCase))
            Subject = value;
        else if (!IsLeftOut(name))
        {
            _headers.Remove(name); // the last one counts, in its own writing
            _headers[name] = value;
        }
    }

    private static bool IsLeftOut(string name) =>
        LeftOut.Contains(name)
        || name.StartsWith("Content-", StringComparison.OrdinalIgnoreCase)
        || name.StartsWith("Resent-", StringComparison.OrdinalIgnoreCase);

    private static string? Wrong(GenroReader headers, string name)
    {
        headers.Fault(name, "string_type", "Input should be a valid string");
        return null;
    }
}
