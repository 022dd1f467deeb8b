using System.Text.Json;
using Microsoft.Extensions.Options;

namespace MailProxy.Daemon.Api;

/// <summary>Reads the small JSON object of a configuration request.</summary>
internal sealed class ConfigurationBody(RequestMemory memory, KeyLife keys, IOptions<ApiOptions> options)
{
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
            return WholeJson.Parse(bytes.Bytes) is { } document ? new(document, null) : new(null, NotText);
        }
        catch (JsonException error)
        {
            // The parser's own words may quote the body, which may hold a secret.
            return new(null, Refusals.Malformed($"The body is not JSON: line {error.LineNumber + 1}, byte {error.BytePositionInLine}."));
        }
    }
}

/// <summary>A request's JSON object, or why it is none.</summary>
internal readonly record struct JsonBody(JsonDocument? Document, ProblemAnswer? Refusal) : IDisposable
{
    public JsonElement Root => Document!.RootElement;

    public void Dispose() => Document?.Dispose();
}
