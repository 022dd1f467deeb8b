using System.Buffers;
using System.Text.Json;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage;

/// <summary>Writes the <c>recipients</c> member of an event's data, as the contract shows it.</summary>
internal static class RecipientDetail
{
    /// <summary><c>"recipients":[…]</c> without braces, as event details are stored.</summary>
    public static byte[] Write(IReadOnlyList<RecipientView> recipients)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartArray("recipients");
            foreach (var recipient in recipients)
                Write(json, recipient);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        return buffer.WrittenSpan[1..^1].ToArray();
    }

    private static void Write(Utf8JsonWriter json, RecipientView recipient)
    {
        json.WriteStartObject();
        json.WriteString("email", recipient.Address);
        json.WriteString("status", recipient.State.Name());
        if (recipient.SmtpCode is { } code)
            json.WriteNumber("smtp_code", code);
        else
            json.WriteNull("smtp_code");
        json.WriteString("enhanced_code", recipient.EnhancedCode);
        json.WriteString("reply", recipient.Reply);
        json.WriteEndObject();
    }
}
