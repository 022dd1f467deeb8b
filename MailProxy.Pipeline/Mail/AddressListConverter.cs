using System.Text.Json;
using System.Text.Json.Serialization;

namespace MailProxy.Pipeline.Mail;

/// <summary>
/// Reads the four ways to write addresses. It never throws on well-formed JSON: an invalid address is kept as a fault, so that every
/// mistake
/// of a request is reported at once.
/// </summary>
internal sealed class AddressListConverter : JsonConverter<AddressList>
{
    /// <summary>
    /// Far above any limit on recipients. Further entries are not kept, because a request of empty texts would take twenty times its size.
    /// </summary>
    private const int MaxEntries = 100_000;

    public override AddressList Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
            return new([ReadOne(ref reader)], Single: true);

        var entries = new List<AddressDraft>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (entries.Count < MaxEntries)
                entries.Add(ReadOne(ref reader));
            else if (entries.Count == MaxEntries)
                entries.Add(new(null, null, null, $"At most {MaxEntries} addresses.", FaultCode: "too_many_addresses"));
            if (entries.Count > MaxEntries)
                reader.Skip();
        }

        return new(entries, Single: false);
    }

    public override void Write(Utf8JsonWriter writer, AddressList value, JsonSerializerOptions options)
    {
        if (!value.Single)
            writer.WriteStartArray();
        foreach (var entry in value.Entries)
        {
            if (entry.Text is not null)
            {
                writer.WriteStringValue(entry.Text);
                continue;
            }

            writer.WriteStartObject();
            if (entry.Email is not null)
                writer.WriteString("email", entry.Email);
            if (entry.Name is not null)
                writer.WriteString("name", entry.Name);
            writer.WriteEndObject();
        }

        if (!value.Single)
            writer.WriteEndArray();
    }

    private static AddressDraft ReadOne(ref Utf8JsonReader reader)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.String:
                return new(reader.GetString(), null, null);
            case JsonTokenType.StartObject:
                return ReadObject(ref reader);
            default:
                reader.Skip();
                return new(null, null, null, "Write an address as text or as {\"email\", \"name\"}.", FaultCode: "invalid_type");
        }
    }

    private static AddressDraft ReadObject(ref Utf8JsonReader reader)
    {
        var address = default(AddressDraft);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var member = reader.GetString()!;
            reader.Read();
            if (member is not ("email" or "name"))
            {
                address = address with { Fault = "Unknown member.", FaultAt = JsonPointer.Member("", member), FaultCode = "unknown_field" };
                reader.Skip();
            }
            else if ((member == "email" ? address.Email : address.Name) is not null)
            {
                address = address with { Fault = "Given twice.", FaultAt = "/" + member, FaultCode = "duplicate_field" };
                reader.Skip();
            }
            else if (reader.TokenType != JsonTokenType.String && !(member == "name" && reader.TokenType == JsonTokenType.Null))
            {
                address = address with { Fault = "Must be text.", FaultAt = "/" + member, FaultCode = "invalid_type" };
                reader.Skip();
            }
            else if (member == "email")
            {
                address = address with { Email = reader.GetString() };
            }
            else
            {
                address = address with { Name = reader.GetString() };
            }
        }

        return address;
    }
}
