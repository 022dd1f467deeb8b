using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace MailProxy.Pipeline.Mail;

/// <summary>
/// Writes an event as section 4 of the HTTP contract shows it, for webhooks and for the event routes. Members stored as JSON (tags,
/// metadata,
/// detail) are copied without parsing.
/// </summary>
public static class EventJson
{
    // Bodies are UTF-8 and never part of an HTML page, so only what JSON requires is escaped.
    private static readonly JsonWriterOptions Plain = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    /// <summary>Writes one object: id, sequence (for events about a message), type, timestamp, data.</summary>
    public static void Write(Utf8JsonWriter writer, MailEvent mailEvent)
    {
        writer.WriteStartObject();
        writer.WriteString("id"u8, mailEvent.Id);
        if (mailEvent.MessageId is not null)
            writer.WriteNumber("sequence"u8, mailEvent.Sequence);
        writer.WriteString("type"u8, mailEvent.Type.Name());
        writer.WriteString("timestamp"u8, Timestamps.Write(mailEvent.At));
        writer.WritePropertyName("data"u8);
        writer.WriteRawValue(Data(mailEvent), skipInputValidation: true);
        writer.WriteEndObject();
    }

    /// <summary>The event as UTF-8.</summary>
    public static byte[] ToUtf8(MailEvent mailEvent)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var writer = new Utf8JsonWriter(buffer, Plain))
            Write(writer, mailEvent);
        return buffer.WrittenSpan.ToArray();
    }

    private static ReadOnlySpan<byte> Data(MailEvent mailEvent)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var writer = new Utf8JsonWriter(buffer, Plain))
        {
            writer.WriteStartObject();
            writer.WriteString("tenant"u8, mailEvent.Tenant);
            if (mailEvent.MessageId is not null)
                WriteMessage(writer, mailEvent);
            if (mailEvent.Account is not null)
                writer.WriteString("account"u8, mailEvent.Account);
            if (mailEvent.MessageId is not null)
                writer.WriteNumber("attempt"u8, mailEvent.Attempt);
            // The closing brace follows the stored members.
        }

        if (mailEvent.Detail.Length > 0)
        {
            buffer.Write(","u8);
            buffer.Write(mailEvent.Detail.Span);
        }

        buffer.Write("}"u8);
        return buffer.WrittenSpan;
    }

    private static void WriteMessage(Utf8JsonWriter writer, MailEvent mailEvent)
    {
        writer.WriteString("message_id"u8, mailEvent.MessageId);
        writer.WriteString("batch"u8, mailEvent.Batch);
        writer.WritePropertyName("tags"u8);
        writer.WriteRawValue(mailEvent.Tags ?? "[]", skipInputValidation: true);
        writer.WritePropertyName("metadata"u8);
        writer.WriteRawValue(mailEvent.Metadata ?? "{}", skipInputValidation: true);
        writer.WriteString("status"u8, mailEvent.Status.Name());
        writer.WriteBoolean("final"u8, mailEvent.Status.IsFinal());
    }
}
