using System.Text.Json;

namespace MailProxy.Pipeline.Report;

/// <summary>The answer of an endpoint of style sync to a report. Pure.</summary>
/// <param name="Queued">The endpoint has more to ask for: it is called again at once.</param>
/// <param name="NextSyncAfter">Unix seconds before which no empty report is sent; null when the endpoint asks for no quiet time.</param>
/// <param name="Errors">Ids of messages whose entries must be sent again.</param>
internal sealed record SyncAnswer(long Queued, long? NextSyncAfter, IReadOnlySet<string> Errors)
{
    private static readonly SyncAnswer Nothing = new(0, null, new HashSet<string>());

    /// <summary>Parses an answer. One that cannot be parsed counts as empty: any 2xx acknowledges.</summary>
    public static SyncAnswer Read(ReadOnlyMemory<byte> body)
    {
        if (body.IsEmpty)
            return Nothing;
        try
        {
            using var json = JsonDocument.Parse(body);
            if (json.RootElement.ValueKind != JsonValueKind.Object)
                return Nothing;
            return new(
                Number(json.RootElement, "queued") ?? 0,
                Number(json.RootElement, "next_sync_after"),
                Ids(json.RootElement, "error")
            );
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // The body is not JSON, or contains half a surrogate pair, which is detected only when that text is read.
            return Nothing;
        }
    }

    private static long? Number(JsonElement root, string name)
    {
        if (!root.TryGetProperty(name, out var value) || value.ValueKind != JsonValueKind.Number)
            return null;
        if (value.TryGetInt64(out var whole))
            return whole;

        // Python's time.time() has a fraction.
        return value.GetDouble() is var real and >= 0 and < 1e15 ? (long)Math.Ceiling(real) : null;
    }

    private static HashSet<string> Ids(JsonElement root, string name)
    {
        var ids = new HashSet<string>(StringComparer.Ordinal);
        if (!root.TryGetProperty(name, out var list) || list.ValueKind != JsonValueKind.Array)
            return ids;
        foreach (var id in list.EnumerateArray())
        {
            if (id.ValueKind == JsonValueKind.String && TryText(id) is { } text)
                ids.Add(text);
        }

        return ids;
    }

    // Half a surrogate pair cannot be an id of ours; the other ids still count.
    private static string? TryText(JsonElement value)
    {
        try
        {
            return value.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }
}
