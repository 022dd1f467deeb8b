using System.Text.Json.Nodes;
using MailProxy.Pipeline.Mail;
using Microsoft.OpenApi;

namespace MailProxy.Daemon.Api;

/// <summary>What the types alone do not say of a member: its form, its choices, its range.</summary>
internal static class ApiSchemas
{
    private const string AnyJson = "JsonElement";

    private static readonly JsonNode[] States = [.. Enum.GetValues<MessageState>().Select(s => (JsonNode)s.Name())];
    private static readonly JsonNode[] Priorities = [.. Enum.GetValues<Priority>().Select(p => (JsonNode)p.Name())];

    private static readonly Dictionary<string, JsonNode[]> Choices = new()
    {
        ["fetch_mode"] = [.. AttachmentNotation.FetchModes.Select(m => (JsonNode)m)],
        ["on_ambiguous"] = [.. Enum.GetValues<AmbiguousPolicy>().Select(p => (JsonNode)p.Name())],
        ["one_click"] = [UnsubscribeDraft.Own, UnsubscribeDraft.Hosted],
        ["Message.status"] = States,
        ["Receipt.status"] = States,
        ["Message.priority"] = Priorities,
    };

    private static readonly string[] Secrets = ["password", "secret_key", "bearer", "value"];

    /// <summary>The name of a type in the document: what it is, without saying that it is an answer.</summary>
    public static string? NameOf(string? made) =>
        made is null ? null
        : ConfigurationSchemas.NameOf(made) is { } resource ? resource
        : made == nameof(ProblemAnswerBody) ? "Problem"
        : made.EndsWith("Answer", StringComparison.Ordinal) ? made[..^"Answer".Length]
        : made;

    /// <summary>Goes over all schemas once the document is made.</summary>
    public static void Finish(IDictionary<string, IOpenApiSchema> schemas)
    {
        foreach (var (name, found) in schemas)
        {
            OneLine(found);
            if (found is not OpenApiSchema { Properties: { } members } schema)
                continue;
            foreach (var member in members.Keys.ToArray())
            {
                OneLine(members[member]);
                var optional = IsNullable(members[member]);
                if (IsAnyJson(members[member]))
                    members[member] = Element(member);
                if (members[member] is OpenApiSchema own)
                    Refine(own, name, member);

                // The serializer calls every constructor parameter required; what may be null may be absent, but for the cursor.
                if (optional && member != "next_cursor")
                    schema.Required?.Remove(member);
            }
        }

        schemas.Remove(AnyJson);
    }

    public static OpenApiSchema OfQuery(string name) =>
        name switch
        {
            "limit" => new()
            {
                Type = JsonSchemaType.Integer,
                Minimum = "1",
                Maximum = $"{QueryReader.MaxLimit}",
                Default = JsonValue.Create(QueryReader.DefaultLimit),
            },
            "status" => new() { Type = JsonSchemaType.String, Enum = [.. States] },
            "priority" => new() { Type = JsonSchemaType.String, Enum = [.. Priorities] },
            "created_after" or "created_before" => new() { Type = JsonSchemaType.String, Description = "RFC 3339, or Unix seconds." },
            "q" => new()
            {
                Type = JsonSchemaType.String,
                MaxLength = Pipeline.Search.MessageSearch.MaxLength,
                Description =
                    "A search, such as to:ann@example.com status:deferred age:>1h: "
                    + $"{string.Join(", ", Pipeline.Search.MessageSearch.Keys)}; a free word is an id, an address, a Message-ID or a part "
                    + "of the subject; a minus sign before a word means all others.",
            },
            "tenant" => new() { Type = JsonSchemaType.String, Description = "* for every tenant." },
            "after" => new()
            {
                Type = JsonSchemaType.String,
                Description =
                    "Where to go on: a next_cursor of the feed, or now; in the audit log the number of a line. "
                    + "Empty: from the oldest.",
            },
            "cursor" => new() { Type = JsonSchemaType.String, Description = "The next_cursor of the page before. Empty: the first page." },
            _ => new() { Type = JsonSchemaType.String },
        };

    private static void Refine(OpenApiSchema schema, string name, string member)
    {
        if (Choices.GetValueOrDefault($"{name}.{member}") is { } choices || Choices.TryGetValue(member, out choices))
            schema.Enum = [.. choices];
        if (name.EndsWith("Request", StringComparison.Ordinal) && Secrets.Contains(member))
            schema.WriteOnly = true;
    }

    // A line that ends in a doc comment is no line of the sentence.
    private static void OneLine(IOpenApiSchema schema)
    {
        // A reference without a sentence shows the one of its target.
        var own = schema is OpenApiSchemaReference reference ? reference.Reference.Description : schema.Description;
        if (own is { } text)
            schema.Description = string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        foreach (var choice in schema.OneOf ?? [])
            OneLine(choice);
    }

    private static bool IsNullable(IOpenApiSchema schema) =>
        schema.Type?.HasFlag(JsonSchemaType.Null) == true || schema.OneOf?.Any(s => s.Type == JsonSchemaType.Null) == true;

    private static bool IsAnyJson(IOpenApiSchema schema) =>
        schema is OpenApiSchemaReference { Reference.Id: AnyJson } || schema.OneOf?.Any(IsAnyJson) == true;

    private static OpenApiSchema Element(string member) =>
        member switch
        {
            "from" or "to" or "cc" or "bcc" or "reply_to" => new()
            {
                Description = "An address (a@x), an address with a name (Ann <a@x>), an object with email and name, or a list of those.",
                OneOf =
                [
                    Address(),
                    AddressObject(),
                    new OpenApiSchema
                    {
                        Type = JsonSchemaType.Array,
                        Items = new OpenApiSchema { OneOf = [Address(), AddressObject()] },
                    },
                ],
            },
            "send_at" or "expires_at" => Time(),
            "priority" => new()
            {
                Description = "Default: medium.",
                OneOf =
                [
                    new OpenApiSchema { Type = JsonSchemaType.String, Enum = [.. Priorities] },
                    new OpenApiSchema
                    {
                        Type = JsonSchemaType.Integer,
                        Minimum = "0",
                        Maximum = "3",
                    },
                ],
            },
            "tags" => new() { Type = JsonSchemaType.Array, Items = Address() },
            _ => new() { Type = JsonSchemaType.Object },
        };

    /// <summary>An instant as requests may write it.</summary>
    public static OpenApiSchema Time() =>
        new()
        {
            Description = "RFC 3339 with an offset, or Unix seconds.",
            OneOf =
            [
                new OpenApiSchema { Type = JsonSchemaType.String, Format = "date-time" },
                new OpenApiSchema { Type = JsonSchemaType.Number },
            ],
        };

    private static OpenApiSchema Address() => new() { Type = JsonSchemaType.String };

    private static OpenApiSchema AddressObject() =>
        new()
        {
            Type = JsonSchemaType.Object,
            Required = new HashSet<string> { "email" },
            Properties = new Dictionary<string, IOpenApiSchema> { ["email"] = Address(), ["name"] = Address() },
        };
}
