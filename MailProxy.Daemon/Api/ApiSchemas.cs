using System.Text.Json;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Mail;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace MailProxy.Daemon.Api;

/// <summary>What the types alone do not say of a member: its form, its choices, its range.</summary>
internal static class ApiSchemas
{
    private static readonly JsonNode[] States = [.. Enum.GetValues<MessageState>().Select(s => (JsonNode)s.Name())];
    private static readonly JsonNode[] Priorities = [.. Enum.GetValues<Priority>().Select(p => (JsonNode)p.Name())];

    public static Task Refine(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken cancel)
    {
        if (context.JsonPropertyInfo is not { } member) return Task.CompletedTask;
        if (Nullable.GetUnderlyingType(member.PropertyType) == typeof(JsonElement) || member.PropertyType == typeof(JsonElement)) RefineElement(schema, member.Name);

        var choices = member.Name switch
        {
            "security" => Names(AccountBinder.Securities),
            "count" when member.PropertyType == typeof(string) => Names(AccountBinder.Counts),
            "when_reached" => Names(AccountBinder.Reached),
            "on_ambiguous" => [.. Enum.GetValues<AmbiguousPolicy>().Select(p => (JsonNode)p.Name())],
            _ => null,
        };
        if (choices is not null) schema.Enum = [.. choices];
        return Task.CompletedTask;
    }

    public static OpenApiSchema OfQuery(string name) => name switch
    {
        "limit" => new() { Type = JsonSchemaType.Integer, Minimum = "1", Maximum = $"{QueryReader.MaxLimit}", Default = JsonValue.Create(QueryReader.DefaultLimit) },
        "status" => new() { Type = JsonSchemaType.String, Enum = [.. States] },
        "priority" => new() { Type = JsonSchemaType.String, Enum = [.. Priorities] },
        "created_after" or "created_before" => new() { Type = JsonSchemaType.String, Description = "RFC 3339, or Unix seconds." },
        "tenant" => new() { Type = JsonSchemaType.String, Description = "* for every tenant." },
        "cursor" => new() { Type = JsonSchemaType.String, Description = "The next_cursor of the page before." },
        _ => new() { Type = JsonSchemaType.String },
    };

    private static void RefineElement(OpenApiSchema schema, string name)
    {
        switch (name)
        {
            case "from" or "to" or "cc" or "bcc" or "reply_to":
                schema.Description = "An address (a@x), an address with a name (Ann <a@x>), an object with email and name, or a list of those.";
                schema.OneOf = [Address(), AddressObject(), new OpenApiSchema { Type = JsonSchemaType.Array, Items = new OpenApiSchema { OneOf = [Address(), AddressObject()] } }];
                break;
            case "send_at" or "expires_at":
                schema.Description = "RFC 3339 with an offset, or Unix seconds.";
                schema.OneOf = [new OpenApiSchema { Type = JsonSchemaType.String, Format = "date-time" }, new OpenApiSchema { Type = JsonSchemaType.Number }];
                break;
            case "priority":
                schema.OneOf = [new OpenApiSchema { Type = JsonSchemaType.String, Enum = [.. Priorities] }, new OpenApiSchema { Type = JsonSchemaType.Integer, Minimum = "0", Maximum = "3" }];
                break;
            case "tags":
                schema.Type = JsonSchemaType.Array;
                schema.Items = new OpenApiSchema { Type = JsonSchemaType.String };
                break;
            case "metadata" or "data":
                schema.Type = JsonSchemaType.Object;
                break;
        }
    }

    private static OpenApiSchema Address() => new() { Type = JsonSchemaType.String };

    private static OpenApiSchema AddressObject() => new()
    {
        Type = JsonSchemaType.Object,
        Required = new HashSet<string> { "email" },
        Properties = new Dictionary<string, IOpenApiSchema> { ["email"] = Address(), ["name"] = Address() },
    };

    private static JsonNode[] Names<T>(IReadOnlyList<(string Name, T Value)> choices) => [.. choices.Select(c => (JsonNode)c.Name)];
}
