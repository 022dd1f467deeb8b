using System.Text.Json;

namespace MailProxy.Pipeline.Report;

/// <summary>What an endpoint of style sync said to a report. Pure.</summary>
/// <param name="Queued">It has more for us to ask for: we call again at once.</param>
/// <param name="NextSyncAfter">Unix seconds: no empty report before; null: it asks for no quiet.</param>
/// <param name="Errors">Ids of messages whose entries are to come again.</param>
internal sealed record SyncAnswer(long Queued, long? NextSyncAfter, IReadOnlySet<string> Errors)
{
    private static readonly SyncAnswer Nothing = new(0, null, new HashSet<string>());

    /// <summary>What cannot be understood says nothing: any 2xx acknowledges.</summary>
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
            // Not JSON; or JSON with half a surrogate pair in it, which is told when that text is looked at.
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

    // Half a surrogate pair is no id of ours, and the other ids count all the same.
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
