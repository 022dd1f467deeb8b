using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Unicode;
using MailProxy.Pipeline.Storage.Sqlite;

namespace MailProxy.Daemon.Genro.Import;

/// <summary>Reads values of the old database, any of which may be anything. Pure.</summary>
internal static class OldValues
{
    // The last second of the year 9999.
    private const long LastSecond = 253_402_300_799;

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    /// <summary>Unix milliseconds from Unix seconds, within 1970 and now.</summary>
    public static long Past(long? seconds, long now) => Math.Clamp(seconds ?? now / 1000, 0, now / 1000) * 1000;

    /// <summary>Unix milliseconds from Unix seconds; null: no time that can be written.</summary>
    public static long? InRange(long? seconds) => seconds is >= 0 and <= LastSecond ? seconds * 1000 : null;

    /// <summary>Unix milliseconds of a time as SQLite or ISO 8601 writes it, in UTC, or as Unix seconds; null: it is none.</summary>
    public static long? Time(ForeignRow row, int column)
    {
        if (row.Number(column) is { } seconds)
            return InRange(seconds);
        return DateTimeOffset.TryParse(
            row.Text(column),
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal,
            out var time
        )
            ? time.ToUnixTimeMilliseconds()
            : null;
    }

    /// <summary>A JSON object; null: it is none, or has half characters in it.</summary>
    /// <param name="strict">No name may be there twice.</param>
    public static JsonDocument? Object(ReadOnlyMemory<byte> json, bool strict = false)
    {
        if (!Utf8.IsValid(json.Span))
            return null;
        JsonDocument? document = null;
        try
        {
            document = JsonDocument.Parse(json, strict ? Strict : default);
            var mayBeHalf = json.Span.IndexOf("\\u"u8) >= 0;
            if (document.RootElement.ValueKind == JsonValueKind.Object && (!mayBeHalf || GenroBodies.IsWhole(document.RootElement)))
                return document;
        }
        catch (JsonException)
        {
            // It is none.
        }

        document?.Dispose();
        return null;
    }

    /// <summary>A JSON object that a column holds as text; null: none.</summary>
    public static JsonObject? ObjectIn(string? text)
    {
        if (string.IsNullOrEmpty(text))
            return null;
        using var document = Object(Encoding.UTF8.GetBytes(text), strict: true);
        return document is null ? null : (JsonObject)JsonNode.Parse(document.RootElement.GetRawText())!;
    }

    /// <summary>A column as JSON: numbers stay numbers; null: it is null.</summary>
    public static JsonNode? Node(ForeignRow row, int column) =>
        row.Value(column) switch
        {
            null => null,
            long number => number,
            double real => double.IsFinite(real) ? real : null,
            _ => row.Text(column),
        };

    /// <summary>A text member of an object; null: there is none.</summary>
    public static string? Text(JsonElement from, string name) =>
        from.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    /// <summary>At most so many characters, none of them in halves.</summary>
    public static string Cut(string text, int most)
    {
        if (text.Length <= most)
            return text;
        return char.IsHighSurrogate(text[most - 1]) ? text[..(most - 1)] : text[..most];
    }
}
