using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Report;

/// <summary>
/// Writes the body of a report of style genro or genro_final: one entry an event, with the members that its clients know. Pure.
/// </summary>
internal static class GenroReport
{
    /// <summary>The word that clients match for a message that failed at a limit.</summary>
    private const string RateLimit = "rate_limit_exceeded";

    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <param name="events">Only events that <see cref="Storage.Subscription"/> allows for this style.</param>
    public static byte[] Write(IEnumerable<MailEvent> events, ReportStyle style = ReportStyle.Genro)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(buffer, Plain))
        {
            json.WriteStartObject();
            json.WriteStartArray("delivery_report"u8);
            foreach (var one in events)
            {
                if (style == ReportStyle.GenroFinal)
                    WriteFinal(json, one);
                else
                    Write(json, one);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static void Write(Utf8JsonWriter json, MailEvent one)
    {
        using var document = JsonDocument.Parse((byte[])[(byte)'{', .. one.Detail.Span, (byte)'}']);
        var detail = document.RootElement;
        var seconds = one.At / 1000;
        json.WriteStartObject();
        json.WriteString("id"u8, one.MessageId);
        switch (one.Type)
        {
            case EventType.MessageSent:
                json.WriteNumber("sent_ts"u8, seconds);
                break;
            case EventType.MessageDeferred:
                // When it is tried again, and not when it was tried.
                json.WriteNumber(
                    "deferred_ts"u8,
                    Timestamps.TryRead(Text(detail, "next_attempt_at"), out var next) ? next / 1000 : seconds
                );
                json.WriteString("deferred_reason"u8, EventText.Deferred(detail));
                break;
            case EventType.MessageBounced:
                json.WriteNumber("bounce_ts"u8, seconds);
                foreach (var name in new[] { "bounce_type", "bounce_code", "bounce_reason" })
                    json.WriteString(name, Text(detail, name));
                break;
            case EventType.MessagePartiallySent:
                json.WriteNumber("sent_ts"u8, seconds);
                Error(json, one, detail, seconds);
                break;
            default:
                Error(json, one, detail, seconds);
                break;
        }

        json.WriteEndObject();
    }

    // Of a final state, always with the same seven members.
    private static void WriteFinal(Utf8JsonWriter json, MailEvent one)
    {
        using var document = JsonDocument.Parse((byte[])[(byte)'{', .. one.Detail.Span, (byte)'}']);
        long? sent = one.Type is EventType.MessageSent or EventType.MessagePartiallySent ? one.At / 1000 : null;
        long? failed = one.Type == EventType.MessageSent ? null : one.At / 1000;
        json.WriteStartObject();
        json.WriteString("id"u8, one.MessageId);
        json.WriteString("account_id"u8, one.Account);
        Number(json, "priority", (int?)one.Priority);
        Number(json, "sent_ts", sent);
        Number(json, "error_ts", failed);
        json.WriteString("error"u8, failed is null ? null : ErrorOf(one, document.RootElement));
        json.WriteNull("deferred_ts"u8);
        json.WriteEndObject();
    }

    private static void Number(Utf8JsonWriter json, string name, long? number)
    {
        if (number is { } value)
            json.WriteNumber(name, value);
        else
            json.WriteNull(name);
    }

    private static string ErrorOf(MailEvent one, JsonElement detail) =>
        EventText.IsLimit(detail) ? RateLimit : EventText.Error(one.Type, detail);

    private static void Error(Utf8JsonWriter json, MailEvent one, JsonElement detail, long seconds)
    {
        json.WriteNumber("error_ts"u8, seconds);
        json.WriteString("error"u8, ErrorOf(one, detail));
    }

    private static string? Text(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
