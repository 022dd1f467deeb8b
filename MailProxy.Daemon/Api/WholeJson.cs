using System.Text.Json;

namespace MailProxy.Daemon.Api;

/// <summary>Parses a JSON object in which no name stands twice and every text is whole Unicode.</summary>
internal static class WholeJson
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 16 };

    /// <summary>Null: it is no object, or a text of it is not whole.</summary>
    /// <exception cref="JsonException">It is not JSON, or a name stands twice.</exception>
    public static JsonDocument? Parse(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            var document = JsonDocument.Parse(bytes, Strict);
            if (document.RootElement.ValueKind == JsonValueKind.Object && IsText(document.RootElement))
                return document;
            document.Dispose();
            return null;
        }
        catch (InvalidOperationException)
        {
            // Looking for duplicates takes the names of an inner object, and one of them is half of a surrogate pair.
            return null;
        }
    }

    // A \u escape may be half of a surrogate pair; whoever takes such a text gets an exception.
    private static bool IsText(JsonElement value)
    {
        try
        {
            switch (value.ValueKind)
            {
                case JsonValueKind.String:
                    _ = value.GetString();
                    return true;
                case JsonValueKind.Array:
                    return value.EnumerateArray().All(IsText);
                case JsonValueKind.Object:
                    return value.EnumerateObject().All(member => member.Name is not null && IsText(member.Value));
                default:
                    return true;
            }
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }
}
