using System.Text.Json;
using Microsoft.Extensions.Options;

namespace MailProxy.Daemon.Api;

/// <summary>Reads the small JSON object of a configuration request.</summary>
internal sealed class ConfigurationBody(RequestMemory memory, KeyLife keys, IOptions<ApiOptions> options)
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 16 };

    private const int FirstStep = 4 << 10;

    private static ProblemAnswer NotText => Refusals.Malformed("The body must be a JSON object of whole Unicode texts.");

    public async ValueTask<JsonBody> ReadAsync(HttpContext http)
    {
        var limit = options.Value.MaxConfigurationBytes;
        if (MediaTypes.NotJson(http.Request) is { } refusal)
            return new(null, refusal);
        if (http.Request.ContentLength > limit)
            return new(null, Refusals.TooLarge(limit));

        using var bytes = memory.NewBuffer(http, memory.NewWaitBudget());
        var body = memory.NewBody(http);
        while (true)
        {
            if (bytes.Free.Length == 0 && !await bytes.GrowAsync(Math.Max(FirstStep, bytes.Length * 2)))
                return new(null, Refusals.Overloaded);
            var read = await body.ReadAsync(bytes.Free);
            if (read == 0)
                break;
            bytes.Filled(read);
            if (bytes.Length > limit)
                return new(null, Refusals.TooLarge(limit));
        }

        if (keys.Refusal(http) is { } gone)
            return new(null, gone);
        try
        {
            var document = JsonDocument.Parse(bytes.Bytes, Strict);
            if (document.RootElement.ValueKind == JsonValueKind.Object && IsText(document.RootElement))
                return new(document, null);
            document.Dispose();
            return new(null, NotText);
        }
        catch (InvalidOperationException)
        {
            // Looking for duplicates takes the names of an inner object, and one of them is half of a surrogate pair.
            return new(null, NotText);
        }
        catch (JsonException error)
        {
            // The parser's own words may quote the body, which may hold a secret.
            return new(null, Refusals.Malformed($"The body is not JSON: line {error.LineNumber + 1}, byte {error.BytePositionInLine}."));
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

/// <summary>A request's JSON object, or why it is none.</summary>
internal readonly record struct JsonBody(JsonDocument? Document, ProblemAnswer? Refusal) : IDisposable
{
    public JsonElement Root => Document!.RootElement;

    public void Dispose() => Document?.Dispose();
}
