using System.Text.Json;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Intake;

/// <summary>
/// Counts how much a message's JSON would become before it is bound, since a member of six bytes becomes an object of hundreds. A message
/// that has more of something than any valid message is refused by its shape alone; the others are charged for the memory they will take.
/// </summary>
internal static class DraftShape
{
    /// <summary>Levels of <c>metadata</c>, including itself: accepted metadata must fit into every answer and report.</summary>
    public const int MaxMetadataDepth = 32;

    /// <summary>Top-level members; the contract defines about twenty.</summary>
    private const int MaxFields = 100;

    /// <summary>Addresses may be repeated, since each counts once as a recipient, but only up to this factor.</summary>
    private const int EntriesPerRecipient = 10;

    /// <summary>Null when the message may be bound, or is not JSON, which the binder reports.</summary>
    /// <param name="values">Number of JSON tokens that were read.</param>
    public static Problem? Fault(ReadOnlySpan<byte> json, IngestOptions options, out int values)
    {
        values = 0;
        var reader = new Utf8JsonReader(json);
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
                return null;
            var (fields, addresses) = (0, 0);
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (++fields > MaxFields)
                    return Refused("", "too_many_fields", $"At most {MaxFields} fields a message.");
                var (pointer, rule) = Field(ref reader);
                reader.Read();
                var value = Count(ref reader, Left(rule, options, addresses), MaxValues(options) - values);
                values += value.Values;
                if (rule == Rule.Address)
                    addresses += value.Entries;
                if (Wrong(rule, value, options, addresses) is { } fault)
                    return Refused(pointer, fault.Code, fault.Detail);
                if (values > MaxValues(options))
                    return Refused("", "too_many_values", $"At most {MaxValues(options)} JSON values a message.");
            }
        }
        catch (JsonException)
        {
            // The binder reports the position of the error.
        }

        return null;
    }

    /// <summary>
    /// Most JSON tokens of one message: several times what a full list of recipients takes when each is an object with a name.
    /// </summary>
    private static int MaxValues(IngestOptions options) => 20_000 + (60 * options.MaxRecipients);

    private static (string Pointer, Rule Rule) Field(ref Utf8JsonReader reader) =>
        reader.ValueTextEquals("attachments"u8) ? ("/attachments", Rule.Attachments)
        : reader.ValueTextEquals("alternatives"u8) ? ("/alternatives", Rule.Alternatives)
        : reader.ValueTextEquals("headers"u8) ? ("/headers", Rule.Headers)
        : reader.ValueTextEquals("tags"u8) ? ("/tags", Rule.Tags)
        : reader.ValueTextEquals("metadata"u8) ? ("/metadata", Rule.Metadata)
        : reader.ValueTextEquals("to"u8) ? ("/to", Rule.Address)
        : reader.ValueTextEquals("cc"u8) ? ("/cc", Rule.Address)
        : reader.ValueTextEquals("bcc"u8) ? ("/bcc", Rule.Address)
        : reader.ValueTextEquals("reply_to"u8) ? ("/reply_to", Rule.Address)
        : reader.ValueTextEquals("from"u8) ? ("/from", Rule.Address)
        : ("", Rule.None);

    // How many entries are read before counting stops; one more than allowed is enough to refuse.
    private static int Left(Rule rule, IngestOptions options, int addresses) =>
        rule switch
        {
            Rule.Attachments => options.MaxAttachments,
            Rule.Alternatives => options.MaxAlternatives,
            Rule.Headers => options.MaxHeaderBytes / 4,
            Rule.Tags => options.MaxTags + Mistakes.Told, // so many are reported one by one
            Rule.Metadata => options.MaxMetadataBytes / 4,
            Rule.Address => (options.MaxRecipients * EntriesPerRecipient) - addresses,
            _ => int.MaxValue,
        };

    private static (string Code, string Detail)? Wrong(Rule rule, Counted value, IngestOptions options, int addresses) =>
        rule switch
        {
            Rule.Metadata when value.Depth > MaxMetadataDepth => (
                "metadata_too_deep",
                $"At most {MaxMetadataDepth} levels, the object itself counted."
            ),
            Rule.Metadata when value.Entries > options.MaxMetadataBytes / 4 || value.Values > options.MaxMetadataBytes => (
                "metadata_too_large",
                $"At most {options.MaxMetadataBytes} bytes of JSON."
            ),
            Rule.Attachments when value.Entries > options.MaxAttachments => (
                "too_many_attachments",
                $"At most {options.MaxAttachments} attachments a message."
            ),
            Rule.Alternatives when value.Entries > options.MaxAlternatives => (
                "too_many_alternatives",
                $"At most {options.MaxAlternatives} alternatives a message."
            ),
            Rule.Headers when value.Entries > options.MaxHeaderBytes / 4 => (
                "headers_too_large",
                $"At most {options.MaxHeaderBytes} bytes of headers."
            ),
            Rule.Tags when value.Entries > options.MaxTags + Mistakes.Told => ("too_many_tags", $"At most {options.MaxTags} tags."),
            Rule.Address when addresses > options.MaxRecipients * EntriesPerRecipient => (
                "too_many_addresses",
                $"At most {options.MaxRecipients * EntriesPerRecipient} addresses a message, repeated ones counted, and "
                    + $"{options.MaxRecipients} recipients."
            ),
            _ => null,
        };

    // The reader is at the value's first token before, and at its last token after. It stops early when the value has too much of
    // something.
    private static Counted Count(ref Utf8JsonReader reader, int mostEntries, int mostValues)
    {
        if (reader.TokenType is not (JsonTokenType.StartObject or JsonTokenType.StartArray))
            return new(1, 0, 0);
        var outside = reader.CurrentDepth;
        var inObject = reader.TokenType == JsonTokenType.StartObject;
        var (values, entries, depth) = (1, 0, 1);
        while (reader.Read() && reader.CurrentDepth > outside && entries <= mostEntries && values <= mostValues)
        {
            values++;
            var begins = reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray;
            if (begins)
                depth = Math.Max(depth, reader.CurrentDepth - outside + 1);
            if (reader.CurrentDepth != outside + 1)
                continue;
            var ends = reader.TokenType is JsonTokenType.EndObject or JsonTokenType.EndArray;
            if (inObject ? reader.TokenType == JsonTokenType.PropertyName : !ends)
                entries++;
        }

        return new(values, entries, depth);
    }

    private static Problem Refused(string pointer, string code, string detail) =>
        new(422, code, pointer.Length > 0 ? $"{pointer}: {detail}" : detail, [new(pointer, code, detail)]);

    private enum Rule : byte
    {
        None,
        Address,
        Attachments,
        Alternatives,
        Headers,
        Tags,
        Metadata,
    }

    /// <param name="Values">Number of tokens.</param>
    /// <param name="Entries">Members of the object, or elements of the list.</param>
    /// <param name="Depth">Levels of objects and lists, including itself.</param>
    private readonly record struct Counted(int Values, int Entries, int Depth);
}
