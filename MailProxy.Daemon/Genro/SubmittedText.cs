using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace MailProxy.Daemon.Genro;

/// <summary>What is noted of submitted messages: which they are, and nothing of what they say to whom. Of too many the ids. Pure.</summary>
internal static class SubmittedText
{
    private const int LongestValue = 200;

    private static readonly string[] Noted = ["id", "tenant_id", "account_id", "priority", "batch_code", "deferred_ts"];

    /// <summary>Of a request with many.</summary>
    public static string OfMany(JsonElement command) => Shorter(names => Write(command, names));

    /// <summary>Of one that is a request of its own.</summary>
    public static string OfOne(JsonElement message) => Shorter(names => Write([message], default, names));

    private static string Shorter(Func<string[], string> write) =>
        write(Noted) is { Length: <= GenroCommands.LongestPayload } whole ? whole
        : write([Noted[0]]) is { Length: <= GenroCommands.LongestPayload } ids ? ids
        : GenroCommands.TooLong;

    private static string Write(JsonElement command, string[] names)
    {
        command.TryGetProperty("default_priority", out var usual);
        return command.TryGetProperty("messages", out var list) && list.ValueKind == JsonValueKind.Array
            ? Write(list.EnumerateArray(), usual, names)
            : Write([], usual, names);
    }

    private static string Write(IEnumerable<JsonElement> messages, JsonElement usual, string[] names)
    {
        var text = new ArrayBufferWriter<byte>(4 << 10);
        using (var json = new Utf8JsonWriter(text, GenroAnswer.Plain))
        {
            json.WriteStartObject();
            Copy(json, "default_priority", usual);
            json.WriteStartArray("messages"u8);
            foreach (var message in messages)
            {
                json.WriteStartObject();
                foreach (var name in names)
                {
                    if (message.ValueKind == JsonValueKind.Object && message.TryGetProperty(name, out var value))
                        Copy(json, name, value);
                }

                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(text.WrittenSpan);
    }

    // As it was written, which the parser has checked.
    private static void Copy(Utf8JsonWriter json, string name, JsonElement value)
    {
        if (value.ValueKind is not (JsonValueKind.String or JsonValueKind.Number))
            return;
        var written = JsonMarshal.GetRawUtf8Value(value);
        if (written.Length > LongestValue)
            return;
        json.WritePropertyName(name);
        json.WriteRawValue(written, skipInputValidation: true);
    }
}
