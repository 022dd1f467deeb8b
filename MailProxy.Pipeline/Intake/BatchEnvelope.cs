using System.Text.Json;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Intake;

/// <summary>The envelope of a batch, split into the bytes of its messages without copying them.</summary>
internal readonly record struct BatchEnvelope(IReadOnlyList<ReadOnlyMemory<byte>> Messages, ReadOnlyMemory<byte> Defaults)
{
    public static Problem? Read(ReadOnlyMemory<byte> json, JsonOrigin origin, int maxMessages, out BatchEnvelope envelope)
    {
        envelope = default;
        try
        {
            return Walk(json, origin, maxMessages, out envelope);
        }
        catch (JsonException)
        {
            return JsonFaults.Syntax(json.Span, origin) ?? JsonFaults.NotAnObject;
        }
    }

    private static Problem? Walk(ReadOnlyMemory<byte> json, JsonOrigin origin, int maxMessages, out BatchEnvelope envelope)
    {
        var errors = new Mistakes();
        List<ReadOnlyMemory<byte>>? messages = null;
        var defaults = ReadOnlyMemory<byte>.Empty;
        var reader = new Utf8JsonReader(json.Span);
        envelope = default;
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
            return JsonFaults.Syntax(json.Span, origin) ?? JsonFaults.NotAnObject;

        var named = new HashSet<string>(StringComparer.Ordinal);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (named.Count > Mistakes.Told)
                return errors.ToProblem("The request was not understood.");
            var member = reader.GetString()!;
            var pointer = JsonPointer.Member("", member);
            reader.Read();
            if (!named.Add(member))
                errors.Add(pointer, "duplicate_field", "Given twice.");
            if (member == "messages" && reader.TokenType == JsonTokenType.StartArray)
            {
                messages = Slices(json, ref reader, maxMessages);
                if (messages.Count <= maxMessages)
                    continue;
                errors.Add("/messages", "too_many_messages", $"At most {maxMessages} messages a request.");
                return errors.ToProblem("The request was not understood.");
            }

            var start = (int)reader.TokenStartIndex;
            reader.Skip();
            if (member == "messages")
                errors.Add(pointer, "invalid_type", "Must be a list of messages.");
            else if (member == "defaults")
                defaults = json[start..(int)reader.BytesConsumed];
            else
                errors.Add(pointer, "unknown_field", "Unknown field.");
        }

        while (reader.Read())
        {
            // Reads to the end, so that anything after the object is refused.
        }

        if (!named.Contains("messages"))
            errors.Add("/messages", "required", "Must be a list of messages.");
        else if (messages is { Count: 0 })
            errors.Add("/messages", "required", "The list is empty.");
        if (errors.Any)
            return errors.ToProblem("The request was not understood.");
        envelope = new(messages!, defaults);
        return null;
    }

    // Stops at one message more than allowed.
    private static List<ReadOnlyMemory<byte>> Slices(ReadOnlyMemory<byte> json, ref Utf8JsonReader reader, int most)
    {
        var slices = new List<ReadOnlyMemory<byte>>();
        while (slices.Count <= most && reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            var start = (int)reader.TokenStartIndex;
            reader.Skip();
            slices.Add(json[start..(int)reader.BytesConsumed]);
        }

        return slices;
    }
}
