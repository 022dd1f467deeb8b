using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MailProxy.Daemon.Cli.Output;

/// <summary>Members of JSON as text of a table. Pure.</summary>
internal static class Cell
{
    /// <summary>The member at this path (names with dots between); empty: there is none.</summary>
    public static string Text(JsonNode? node, string path) => Text(At(node, path));

    public static JsonNode? At(JsonNode? node, string path)
    {
        foreach (var name in path.Split('.'))
            node = node is JsonObject at ? at[name] : null;
        return node;
    }

    public static string Text(JsonNode? value) =>
        value switch
        {
            null => "",
            JsonArray list => string.Join(", ", list.Select(Text)),
            JsonObject at when at["id"] is { } id => Text(id),
            JsonObject at => string.Join(", ", at.Select(static member => $"{member.Key}={Text(member.Value)}")),
            JsonValue one => one.GetValueKind() switch
            {
                JsonValueKind.True => "yes",
                JsonValueKind.False => "no",
                JsonValueKind.String => Time(one.GetValue<string>()),
                _ => one.ToString(),
            },
            _ => "",
        };

    public static long Number(JsonNode? node, string path) =>
        At(node, path) is JsonValue value && value.TryGetValue<long>(out var number) ? number : 0;

    public static bool Flag(JsonNode? node, string path) => At(node, path)?.GetValueKind() == JsonValueKind.True;

    /// <summary>Bytes as people say them.</summary>
    public static string Bytes(long bytes)
    {
        string[] units = ["B", "KB", "MB", "GB", "TB"];
        var (value, unit) = ((double)bytes, 0);
        for (; value >= 1_000 && unit < units.Length - 1; unit++)
            value /= 1_000;
        return string.Create(CultureInfo.InvariantCulture, $"{value:0.#} {units[unit]}");
    }

    // To the second: what stands in tables is read by people, and --json has the rest.
    private static string Time(string text) =>
        text is [_, _, _, _, '-', _, _, '-', _, _, 'T', _, _, ':', _, _, ':', _, _, .., 'Z']
        && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at)
            ? at.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture)
            : text;
}
