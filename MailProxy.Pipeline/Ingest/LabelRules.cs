using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using MailProxy.Pipeline.Intake;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Ingest;

/// <param name="Tags">A JSON array, or null.</param>
/// <param name="Metadata">A JSON object, or null.</param>
internal readonly record struct MailLabels(Priority Priority, AmbiguousPolicy OnAmbiguous, string? Tags, string? Metadata);

/// <summary>Validates priority, batch, tags, metadata and the policy for ambiguous results.</summary>
internal static class LabelRules
{
    // This JSON is parsed again and never becomes part of HTML, so it need not be escaped for HTML.
    private static readonly JsonWriterOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static MailLabels Read(MailDraft mail, Mistakes mistakes, IngestOptions options)
    {
        if (mail.Batch is not null && !IdSyntax.IsObjectId(mail.Batch))
            mistakes.Add("/batch", "invalid_id", $"A batch is {IdSyntax.ObjectRule}.");
        if (!DraftValues.TryPriority(mail.Priority, out var priority))
            mistakes.Add("/priority", "invalid_priority", WireNames.PriorityRule);
        if (!DraftValues.TryPolicy(mail.OnAmbiguous, out var policy))
            mistakes.Add("/on_ambiguous", "invalid_value", $"One of {WireNames.Policies.Listed}.");
        return new(priority, policy, Tags(mail.Tags, mistakes, options), Metadata(mail.Metadata, mistakes, options));
    }

    private static string? Tags(List<string>? tags, Mistakes mistakes, IngestOptions options)
    {
        if (tags is null or [])
            return null;
        if (tags.Count > options.MaxTags)
            mistakes.Add("/tags", "too_many_tags", $"At most {options.MaxTags} tags.");
        for (var i = 0; i < tags.Count; i++)
        {
            if (tags[i] is null)
                mistakes.Add($"/tags/{i}", "invalid_type", "Must be text.");
            else if (tags[i].Length == 0)
                mistakes.Add($"/tags/{i}", "invalid_tag", "A tag is not empty.");
            else if (Faults.InText(tags[i], options.MaxTagLength) is { } fault)
                mistakes.Add($"/tags/{i}", fault);
        }

        return mistakes.Any
            ? null
            : Json(writer =>
            {
                writer.WriteStartArray();
                foreach (var tag in tags)
                    writer.WriteStringValue(tag);
                writer.WriteEndArray();
            });
    }

    private static string? Metadata(Dictionary<string, JsonElement>? metadata, Mistakes mistakes, IngestOptions options)
    {
        if (metadata is null)
            return null;
        var json = Json(writer =>
        {
            writer.WriteStartObject();
            foreach (var (name, value) in metadata)
            {
                writer.WritePropertyName(name);
                value.WriteTo(writer);
            }

            writer.WriteEndObject();
        });
        if (Encoding.UTF8.GetByteCount(json) > options.MaxMetadataBytes)
            mistakes.Add("/metadata", "metadata_too_large", $"At most {options.MaxMetadataBytes} bytes of JSON.");
        return json;
    }

    private static string Json(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, Readable))
            write(writer);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
