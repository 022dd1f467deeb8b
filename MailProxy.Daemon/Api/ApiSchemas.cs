using System.Text.Json.Nodes;
using MailProxy.Pipeline.Intake;
using MailProxy.Pipeline.Mail;
using Microsoft.OpenApi;

namespace MailProxy.Daemon.Api;

/// <summary>What the types alone do not say of a member: its form, its choices, its range, and whether it may be null.</summary>
internal static class ApiSchemas
{
    private const string AnyJson = "JsonElement",
        Defaults = "MessageDefaults",
        MessageRequest = "MessageRequest",
        OfAnswers = "Only answers have it; let through in a request, so that what was read can be put back.";

    private static readonly JsonNode[] States = [.. Enum.GetValues<MessageState>().Select(s => (JsonNode)s.Name())];

    private static readonly Dictionary<string, JsonNode[]> Choices = new()
    {
        ["fetch_mode"] = [.. AttachmentNotation.FetchModes.Select(m => (JsonNode)m)],
        ["on_ambiguous"] = [.. Enum.GetValues<AmbiguousPolicy>().Select(p => (JsonNode)p.Name())],
        ["one_click"] = [UnsubscribeDraft.Own, UnsubscribeDraft.Hosted],
        ["ActionRequest.action"] = [.. BulkActions.All.Select(static a => (JsonNode)a.Name)],
        ["DkimKeyRequest.algorithm"] = ["rsa", "ed25519", "both"],
        ["Operation.status"] = [.. BulkActions.States.Select(static s => (JsonNode)s.Name)],
        ["Suppression.source"] = [.. Suppression.Sources.Select(static s => (JsonNode)s.Name)],
        ["Message.status"] = States,
        ["Receipt.status"] = States,
        ["ReceiptItem.status"] = States,
        ["Message.priority"] = ApiSchemaForms.Priorities,
        ["Recipient.status"] = [.. Enum.GetValues<RecipientState>().Select(static s => (JsonNode)s.Name())],
    };

    // Members of a request that only its answers have, and that are let through.
    private static readonly Dictionary<string, string[]> LetThrough = new()
    {
        ["BatchChangeRequest"] = ["tenant", "suspended_at", "total", "counts"],
        ["SuppressionLine"] = ["tenant", "source", "created_at"],
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
    public static void Finish(OpenApiDocument document, IngestOptions limits)
    {
        var schemas = document.Components!.Schemas!;
        schemas[ApiSchemaForms.Address] = ApiSchemaForms.AddressObject();
        foreach (var (name, found) in schemas)
        {
            OneLine(found);
            if (found is not OpenApiSchema { Properties: { } members } schema || name == ApiSchemaForms.Address)
                continue;
            var isRequest = IsRequest(name);
            foreach (var member in members.Keys.ToArray())
            {
                OneLine(members[member]);
                var optional = IsNullable(members[member]);
                if (IsAnyJson(members[member]))
                    members[member] = Element(document, name, member, DescriptionOf(members[member]), optional, limits);
                else if (!isRequest && member != "next_cursor")
                    members[member] = WithoutNull(members[member]);
                if (members[member] is OpenApiSchema own)
                    Refine(own, name, member, isRequest, limits);

                // The serializer calls every constructor parameter required; what may be null may be absent, but for the cursor.
                if (optional && member != "next_cursor")
                    schema.Required?.Remove(member);
            }

            if (isRequest)
                Close(schema, name);
        }

        schemas[Defaults] = DefaultsOf((OpenApiSchema)schemas[MessageRequest]);
        schemas.Remove(AnyJson);
        Mark((OpenApiSchema)schemas["Problem"]);
    }

    private static bool IsRequest(string name) => name.EndsWith("Request", StringComparison.Ordinal) || name == "SuppressionLine";

    private static void Refine(OpenApiSchema schema, string name, string member, bool isRequest, IngestOptions limits)
    {
        if (Choices.GetValueOrDefault($"{name}.{member}") is { } choices || Choices.TryGetValue(member, out choices))
            schema.Enum = schema.Type?.HasFlag(JsonSchemaType.Null) == true ? [.. choices, JsonNullSentinel.JsonNull] : [.. choices];
        if (!isRequest)
            return;
        if (Secrets.Contains(member))
            schema.WriteOnly = true;
        ApiSchemaRules.Refine(name, member, schema, limits);
    }

    // The server refuses members that it does not know.
    private static void Close(OpenApiSchema schema, string name)
    {
        schema.AdditionalPropertiesAllowed = false;
        foreach (var member in LetThrough.GetValueOrDefault(name) ?? [])
            schema.Properties!.TryAdd(member, new OpenApiSchema { ReadOnly = true, Description = OfAnswers });
        if (name == "BatchChangeRequest")
            schema.Properties!["id"] = new OpenApiSchema
            {
                Type = JsonSchemaType.String | JsonSchemaType.Null,
                Description = "May be repeated: it must be the id in the path.",
                MaxLength = 63,
                Pattern = IdSyntax.ObjectPattern,
            };
    }

    private static OpenApiSchema DefaultsOf(OpenApiSchema message) =>
        new()
        {
            Type = JsonSchemaType.Object,
            Description = "Members for messages that do not have them: all of a message's but `id`.",
            AdditionalPropertiesAllowed = false,
            Properties = message.Properties!.Where(static m => m.Key != "id").ToDictionary(),
        };

    // Generators make the words of an exception of it.
    private static void Mark(OpenApiSchema problem)
    {
        var detail = (OpenApiSchema)problem.Properties!["detail"];
        detail.Extensions = new Dictionary<string, IOpenApiExtension>
        {
            ["x-ms-primary-error-message"] = new JsonNodeExtension(JsonValue.Create(true)),
        };
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

    // An answer leaves out what is not there.
    private static IOpenApiSchema WithoutNull(IOpenApiSchema schema)
    {
        if (schema.OneOf is [{ Type: JsonSchemaType.Null }, var only])
            return only;
        if (schema is OpenApiSchema own && own.Type?.HasFlag(JsonSchemaType.Null) == true)
            own.Type &= ~JsonSchemaType.Null;
        return schema;
    }

    private static string? DescriptionOf(IOpenApiSchema schema) =>
        schema.OneOf is [{ Type: JsonSchemaType.Null }, OpenApiSchemaReference only] ? only.Reference.Description
        : schema is OpenApiSchemaReference reference ? reference.Reference.Description
        : schema.Description;

    private static bool IsAnyJson(IOpenApiSchema schema) =>
        schema is OpenApiSchemaReference { Reference.Id: AnyJson } || schema.OneOf?.Any(IsAnyJson) == true;

    private static OpenApiSchema Element(
        OpenApiDocument document,
        string name,
        string member,
        string? sentence,
        bool optional,
        IngestOptions limits
    ) =>
        (name, member) switch
        {
            (MessageRequest, "from") => ApiSchemaForms.Addresses(document, 1),
            (MessageRequest, "reply_to") => ApiSchemaForms.Addresses(document, limits.MaxRecipients),
            (MessageRequest, "to" or "cc" or "bcc") => ApiSchemaForms.Addresses(document, null),
            (MessageRequest, "priority") => ApiSchemaForms.Priority(sentence),
            (_, "send_at" or "expires_at") or ("WebhookReplayRequest", _) => ApiSchemaForms.Time(sentence, optional),
            (_, "tags") => new()
            {
                Type = JsonSchemaType.Array,
                Items = new OpenApiSchema { Type = JsonSchemaType.String },
            },
            _ => new()
            {
                Type = JsonSchemaType.Object,
                Description = sentence,
                AdditionalProperties = new OpenApiSchema(),
            },
        };
}
