using System.Text.Json.Nodes;
using MailProxy.Pipeline.Mail;
using Microsoft.OpenApi;

namespace MailProxy.Daemon.Api;

/// <summary>The query parameters of all routes.</summary>
internal static class ApiQueries
{
    private static readonly JsonNode[] States = [.. Enum.GetValues<MessageState>().Select(s => (JsonNode)s.Name())];

    public static OpenApiParameter Of(string name)
    {
        var (schema, sentence) = Describe(name);
        return new()
        {
            Name = name,
            In = ParameterLocation.Query,
            Description = sentence,
            Schema = schema,
        };
    }

    private static (OpenApiSchema Schema, string Sentence) Describe(string name) =>
        name switch
        {
            "limit" => (
                new()
                {
                    Type = JsonSchemaType.Integer,
                    Minimum = "1",
                    Maximum = $"{QueryReader.MaxLimit}",
                    Default = JsonValue.Create(QueryReader.DefaultLimit),
                },
                "How many entries at most."
            ),
            "status" => (new() { Type = JsonSchemaType.String, Enum = [.. States] }, "Messages in this state."),
            "priority" => (
                new() { Type = JsonSchemaType.String, Enum = [.. ApiSchemaForms.Priorities, "0", "1", "2", "3"] },
                "Messages of this priority, by its name or its number."
            ),
            "source" => (
                new() { Type = JsonSchemaType.String, Enum = [.. Suppression.Sources.Select(static s => (JsonNode)s.Name)] },
                "Entries that came so."
            ),
            "format" => (new() { Type = JsonSchemaType.String, Enum = ["ndjson", "csv"] }, "How the list is written; absent: NDJSON."),
            "wait" => (
                new()
                {
                    Type = JsonSchemaType.Integer,
                    Minimum = "0",
                    Maximum = $"{EventFeedRoutes.LongestWait}",
                },
                "Seconds that the answer waits for an event; absent: it does not."
            ),
            "created_after" or "created_before" => (Text(), "RFC 3339 with an offset, or Unix seconds."),
            "q" => (
                new()
                {
                    Type = JsonSchemaType.String,
                    MinLength = 1,
                    MaxLength = Pipeline.Search.MessageSearch.MaxLength,
                },
                "A search, such as to:ann@example.com status:deferred age:>1h: "
                    + $"{string.Join(", ", Pipeline.Search.MessageSearch.Keys)}; a free word is an id, an address, a Message-ID or a part "
                    + "of the subject; a minus sign before a word means all others."
            ),
            "tenant" => (Text(), "The tenant whose objects are listed; * for every tenant (admin key)."),
            "after" => (
                new() { Type = JsonSchemaType.String },
                "Where to go on: a next_cursor of the feed, or now; in the audit log the number of a line. Empty: from the oldest."
            ),
            "order" => (
                new() { Type = JsonSchemaType.String, Enum = ["asc", "desc"] },
                "asc: oldest first; desc: newest first. Absent: asc."
            ),
            "failed" => (new() { Type = JsonSchemaType.Boolean }, "true: only requests that were answered with 4xx or 5xx."),
            "message" => (Text(), "Requests that were about the message of this id."),
            "cursor" => (new() { Type = JsonSchemaType.String }, "The next_cursor of the page before. Empty: the first page."),
            "account" => (Text(), "Messages that go by this account."),
            "pool" => (Text(), "Messages that name this pool."),
            "batch" => (Text(), "Messages of this batch."),
            "tag" => (Text(), "Messages with this tag."),
            "to" => (Text(), "Messages to this address."),
            "address" => (Text(), "A mail address."),
            "domain" => (Text(), "A domain of mail."),
            "id" => (Text(), "The id of a message."),
            "message_id" => (Text(), "The Message-ID of a message, with or without angle brackets."),
            _ => (Text(), name),
        };

    // An empty value is a mistake.
    private static OpenApiSchema Text() => new() { Type = JsonSchemaType.String, MinLength = 1 };
}
