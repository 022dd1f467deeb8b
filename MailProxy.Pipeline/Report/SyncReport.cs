using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Report;

/// <summary>Writes the body of a report of style sync: one entry per event. Pure.</summary>
internal static class SyncReport
{
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
                json.WriteString("deferred_reason"u8, EventText.Deferred(detail.RootElement));
                break;
            case EventType.MessageBounced:
                json.WriteNumber("bounce_ts"u8, seconds);
                foreach (var name in new[] { "bounce_type", "bounce_code", "bounce_reason" })
                    json.WriteString(name, Text(detail.RootElement, name));
                break;
            default:
                json.WriteNumber("error_ts"u8, seconds);
                json.WriteString("error"u8, EventText.Error(one.Type, detail.RootElement));
                break;
        }

        json.WriteEndObject();
    }

    private static string? Text(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
