using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace MailProxy.Pipeline.Mail;

/// <summary>Builds an event's stored detail: the JSON members of <c>data</c> that only this event has, without braces.</summary>
public static class EventDetail
{
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The members that <paramref name="write"/> writes; null when it writes none.</summary>
    public static byte[]? Make<T>(T state, Action<Utf8JsonWriter, T> write)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(buffer, Plain))
        {
            writer.WriteStartObject();
            write(writer, state);
            writer.WriteEndObject();
        }

        return buffer.WrittenCount > 2 ? buffer.WrittenSpan[1..^1].ToArray() : null;
    }

    /// <summary>The member <c>reason</c> of a stored detail, or null.</summary>
    public static string? Reason(ReadOnlySpan<byte> detail)
    {
        var reader = new Utf8JsonReader([.. "{"u8, .. detail, .. "}"u8]);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isReason = reader.ValueTextEquals("reason"u8);
            reader.Read();
            if (isReason)
                return reader.TokenType == JsonTokenType.String ? reader.GetString() : null;
            reader.Skip();
        }

        return null;
    }

    /// <summary>Writes one recipient's result as a JSON value.</summary>
    public static void WriteRecipient(
        Utf8JsonWriter writer,
        string address,
        RecipientState state,
        int? smtpCode,
        string? enhancedCode,
        string? reply,
        string? rule = null
    )
    {
        writer.WriteStartObject();
        writer.WriteString("email"u8, address);
        writer.WriteString("status"u8, state.Name());
        if (smtpCode is { } code)
            writer.WriteNumber("smtp_code"u8, code);
        else
            writer.WriteNull("smtp_code"u8);
        writer.WriteString("enhanced_code"u8, enhancedCode);
        writer.WriteString("reply"u8, reply);
        if (rule is not null)
            writer.WriteString("rule"u8, rule);
        writer.WriteEndObject();
    }
}
