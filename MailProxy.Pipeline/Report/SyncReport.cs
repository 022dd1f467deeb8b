using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Report;

/// <summary>Writes the body of a report of style sync: one entry per event. Pure.</summary>
internal static class SyncReport
{
    private const int LongestReason = 1_000;

    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <param name="events">Only events that <see cref="Storage.Subscription"/> allows for this style.</param>
    public static byte[] Write(IEnumerable<MailEvent> events)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(buffer, Plain))
        {
            json.WriteStartObject();
            json.WriteStartArray("delivery_report"u8);
            foreach (var one in events)
                Write(json, one);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static void Write(Utf8JsonWriter json, MailEvent one)
    {
        using var detail = JsonDocument.Parse((byte[])[(byte)'{', .. one.Detail.Span, (byte)'}']);
        json.WriteStartObject();
        json.WriteString("tenant_id"u8, one.Tenant);
        json.WriteString("id"u8, one.MessageId);
        var seconds = one.At / 1000;
        switch (one.Type)
        {
            case EventType.MessageSent:
                json.WriteNumber("sent_ts"u8, seconds);
                break;
            case EventType.MessageDeferred:
                json.WriteNumber("deferred_ts"u8, seconds);
                json.WriteString(
                    "deferred_reason"u8,
                    Text(detail.RootElement, "reason") ?? Said(detail.RootElement) ?? "The last attempt did not succeed."
                );
                break;
            case EventType.MessageBounced:
                json.WriteNumber("bounce_ts"u8, seconds);
                foreach (var name in new[] { "bounce_type", "bounce_code", "bounce_reason" })
                    json.WriteString(name, Text(detail.RootElement, name));
                break;
            default:
                json.WriteNumber("error_ts"u8, seconds);
                json.WriteString("error"u8, Error(one, detail.RootElement));
                break;
        }

        json.WriteEndObject();
    }

    private static string Error(MailEvent one, JsonElement detail) =>
        one.Type switch
        {
            EventType.MessageExpired => With("Expired before it could be delivered.", Said(detail)),
            EventType.MessageCancelled => "Cancelled.",
            EventType.MessageSuppressed => "The recipient is suppressed.",
            EventType.MessageAmbiguous => "It is not known whether the server took the message, and it is not sent again.",
            _ => Text(detail, "reason") ?? Said(detail) ?? "It could not be delivered.",
        };

    /// <summary>The replies for the recipients that the server did not accept; with several recipients each with its address.</summary>
    private static string? Said(JsonElement detail)
    {
        if (!detail.TryGetProperty("recipients", out var list) || list.ValueKind != JsonValueKind.Array)
            return null;
        var several = list.GetArrayLength() > 1;
        var said = new List<string>();
        foreach (var recipient in list.EnumerateArray())
        {
            if (Text(recipient, "status") == RecipientState.Sent.Name() || Reply(recipient) is not { } reply)
                continue;
            said.Add(several ? $"{Text(recipient, "email")}: {reply}" : reply);
        }

        if (said.Count == 0)
            return null;
        var text = string.Join("; ", said);
        return text.Length > LongestReason ? text[..LongestReason] : text;
    }

    private static string? Reply(JsonElement recipient)
    {
        var code =
            recipient.TryGetProperty("smtp_code", out var number) && number.ValueKind == JsonValueKind.Number
                ? number.GetInt32().ToString(CultureInfo.InvariantCulture)
                : null;
        var (enhanced, reply) = (Text(recipient, "enhanced_code"), Text(recipient, "reply"));

        // Most servers begin the text of the reply with the enhanced code.
        if (enhanced is not null && reply?.StartsWith(enhanced, StringComparison.Ordinal) == true)
            enhanced = null;
        var parts = new[] { code, enhanced, reply }.OfType<string>().ToArray();
        return parts.Length == 0 ? null : string.Join(' ', parts);
    }

    private static string With(string what, string? said) => said is null ? what : $"{what} The last attempt: {said}";

    private static string? Text(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
