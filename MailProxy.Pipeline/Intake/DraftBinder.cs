using System.Text.Json;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Intake;

/// <summary>
/// Turns a request's bytes into drafts. Whatever the bytes are, it returns a draft or a problem and never throws. The result refers to the
/// given memory, which must stay unchanged until the submission is answered.
/// </summary>
public static class DraftBinder
{
    private static readonly IngestOptions Usual = new();

    /// <summary>Binds one message: the body of a single submission, or one line of NDJSON.</summary>
    public static Draft BindOne(ReadOnlyMemory<byte> json, IngestOptions? options = null) =>
        OpenedMessages.One(json, options ?? Usual).Bind().Drafts[0];

    /// <summary>
    /// Binds <c>{"messages":[…],"defaults":{…}}</c>. An invalid message refuses only itself; an invalid envelope or invalid defaults
    /// refuse the
    /// request.
    /// </summary>
    public static BoundBatch BindBatch(ReadOnlyMemory<byte> json, IngestOptions? options = null)
    {
        var opened = OpenedMessages.Batch(json, options ?? Usual);
        return opened.Problem is { } problem ? BoundBatch.Refused(problem) : opened.Bind();
    }

    /// <summary>The id in a well-formed draft, even when the draft could not be bound; null when none is found.</summary>
    internal static string? FindId(ReadOnlyMemory<byte> json)
    {
        try
        {
            var reader = new Utf8JsonReader(json.Span);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
                return null;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var found = reader.ValueTextEquals("id"u8);
                reader.Read();
                if (found)
                    return reader.TokenType == JsonTokenType.String && !reader.ValueIsEscaped ? reader.GetString() : null;
                reader.Skip();
            }
        }
        catch (JsonException)
        {
            // The JSON is broken before the id.
        }

        return null;
    }

    // The text was checked before: valid UTF-8, and whole surrogate pairs.
    internal static Draft Bind(ReadOnlyMemory<byte> json, JsonOrigin origin, SpooledStrings? spooled)
    {
        try
        {
            return JsonSerializer.Deserialize(json.Span, MailJson.Default.MailDraft) is { } mail
                ? new(mail, json, null) { Spooled = spooled }
                : new(null, json, JsonFaults.NotAnObject) { Spooled = spooled };
        }
        catch (JsonException error)
        {
            return new(null, json, JsonFaults.Explain(json.Span, origin, error)) { Spooled = spooled };
        }
    }
}

/// <summary>A bound batch request: its drafts in request order, or the problem that refuses the whole request.</summary>
public sealed record BoundBatch(IReadOnlyList<Draft> Drafts, IReadOnlyList<ReadOnlyMemory<byte>> Written, Problem? Problem)
{
    internal static BoundBatch Refused(Problem problem) => new([], [], problem);

    /// <summary>
    /// Makes a message's pointer relative to the request: <c>/messages/7/to/0</c>, or <c>/defaults/from</c> when the message did not write
    /// that
    /// member itself.
    /// </summary>
    public string Locate(int index, string pointer)
    {
        var first = pointer.Split('/') is [_, var member, ..] ? member : null;
        return
            first is not null
            && !Defaults.Writes(Written[index], first)
            && Drafts[index].Json.Length != Written[index].Length
            && Defaults.Writes(Drafts[index].Json, first)
            ? $"/defaults{pointer}"
            : $"/messages/{index}{pointer}";
    }
}
