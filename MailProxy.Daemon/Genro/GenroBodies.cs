using System.Text.Json;
using System.Text.Unicode;
using MailProxy.Daemon.Api;
using MailProxy.Pipeline.Intake;
using Microsoft.Extensions.Options;

namespace MailProxy.Daemon.Genro;

/// <summary>Reads the JSON object of a request, within its tenant's memory.</summary>
internal sealed class GenroBodies(RequestMemory memory, KeyLife life, IngestOptions limits, IOptions<ApiOptions> options)
{
    private const int FirstStep = 4 << 10;

    private static readonly GenroMistake NotJson = new("json_invalid", ["body", 0], "JSON decode error", null);

    /// <summary>The body of a change of what is configured.</summary>
    public ValueTask<GenroBody> ReadAsync(HttpContext http, bool optional = false) =>
        ReadAsync(http, options.Value.MaxConfigurationBytes, memory.NewWaitBudget(), optional);

    /// <summary>The body of messages.</summary>
    public ValueTask<GenroBody> ReadMessagesAsync(HttpContext http, WaitBudget wait) =>
        ReadAsync(http, limits.MaxRequestBytes, wait, optional: false);

    private async ValueTask<GenroBody> ReadAsync(HttpContext http, long limit, WaitBudget wait, bool optional)
    {
        if (http.Request.ContentLength > limit)
            return Refused(GenroRefusal.Of(Refusals.TooLarge(limit)));
        var bytes = memory.NewBuffer(http, wait);
        try
        {
            if (await FillAsync(http, bytes, limit) is { } refusal)
                return Refused(GenroRefusal.Of(refusal), bytes);
            if (life.Refusal(http) is not null)
                return Refused(GenroRefusal.Text(401, "Invalid or missing API token"), bytes);
            if (bytes.Bytes.Span.Trim(" \t\r\n"u8).IsEmpty)
                return optional ? new(JsonDocument.Parse("{}"), null, bytes) : Refused(GenroRefusal.Missing("body"), bytes);
            return Parse(bytes);
        }
        catch
        {
            bytes.Dispose();
            throw;
        }
    }

    private async ValueTask<ProblemAnswer?> FillAsync(HttpContext http, ChargedBuffer bytes, long limit)
    {
        var body = memory.NewBody(http);
        var length = http.Request.ContentLength ?? limit + 1;
        while (true)
        {
            if (bytes.Free.Length == 0 && !await bytes.GrowAsync(Step(bytes.Length, length)))
                return Refusals.Overloaded;
            var read = await body.ReadAsync(bytes.Free);
            if (read == 0)
                return null;
            bytes.Filled(read);
            if (bytes.Length > limit)
                return Refusals.TooLarge(limit);
        }
    }

    // One byte more than is said to come, so that the end is seen without growing again.
    private static int Step(int filled, long length) => (int)Math.Max(FirstStep, Math.Min(filled * 2L, Math.Max(length + 1, filled + 1)));

    private static GenroBody Parse(ChargedBuffer bytes)
    {
        JsonDocument? document = null;
        try
        {
            document = JsonDocument.Parse(bytes.Bytes.Span.StartsWith("\uFEFF"u8) ? bytes.Bytes[3..] : bytes.Bytes);
            var mayBeHalf = bytes.Bytes.Span.IndexOf("\\u"u8) >= 0;
            if (!Utf8.IsValid(bytes.Bytes.Span) || (mayBeHalf && !IsWhole(document.RootElement)))
                return Refused(GenroRefusal.Invalid([NotJson]), bytes, document);
            if (document.RootElement.ValueKind == JsonValueKind.Object)
                return new(document, null, bytes);
            GenroMistake mistake = new("model_attributes_type", ["body"], "Input should be a valid dictionary or object", null);
            return Refused(GenroRefusal.Invalid([mistake]), bytes, document);
        }
        catch (JsonException)
        {
            // The parser's own words may quote the body, which may hold a secret.
            return Refused(GenroRefusal.Invalid([NotJson]), bytes, document);
        }
    }

    // A \u escape may be half of a surrogate pair; whoever takes such a text gets an exception.
    internal static bool IsWhole(JsonElement value)
    {
        try
        {
            switch (value.ValueKind)
            {
                case JsonValueKind.String:
                    _ = value.GetString();
                    return true;
                case JsonValueKind.Array:
                    return value.EnumerateArray().All(IsWhole);
                case JsonValueKind.Object:
                    return value.EnumerateObject().All(static member => member.Name is not null && IsWhole(member.Value));
                default:
                    return true;
            }
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    private static GenroBody Refused(GenroRefusal refusal, ChargedBuffer? bytes = null, JsonDocument? document = null)
    {
        document?.Dispose();
        bytes?.Dispose();
        return new(null, refusal, null);
    }
}

/// <summary>A request's JSON object, or why it is none. Whoever has it disposes it.</summary>
internal readonly record struct GenroBody(JsonDocument? Document, GenroRefusal? Refusal, ChargedBuffer? Bytes) : IDisposable
{
    public JsonElement Root => Document!.RootElement;

    public void Dispose()
    {
        Document?.Dispose();
        Bytes?.Dispose();
    }
}
