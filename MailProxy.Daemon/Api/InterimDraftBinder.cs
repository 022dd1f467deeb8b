using System.Text.Json;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Ingest;

// Stands in until the ingest room's binder is merged; goes with that merge.
internal static class DraftBinder
{
    public static Draft BindOne(ReadOnlyMemory<byte> json)
    {
        try
        {
            return new(JsonSerializer.Deserialize(json.Span, MailJson.Default.MailDraft), json, null);
        }
        catch (JsonException)
        {
            return new(null, json, new Problem(400, "malformed_json", "This is not a message in JSON."));
        }
    }

    public static BoundBatch BindBatch(ReadOnlyMemory<byte> json, int maxMessages)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            var drafts = document.RootElement.GetProperty("messages").EnumerateArray().Take(maxMessages)
                .Select(m => BindOne(System.Text.Encoding.UTF8.GetBytes(m.GetRawText()))).ToArray();
            return new(drafts, null);
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            return new([], new Problem(400, "malformed_json", "This is not a batch in JSON."));
        }
    }
}

internal sealed record BoundBatch(IReadOnlyList<Draft> Drafts, Problem? Problem)
{
    public string Locate(int index, string pointer) => $"/messages/{index}{pointer}";
}
