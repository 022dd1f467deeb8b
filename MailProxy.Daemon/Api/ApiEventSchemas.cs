using System.Text.Json.Nodes;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using Microsoft.OpenApi;

namespace MailProxy.Daemon.Api;

/// <summary>What events have in <c>data</c>, by type.</summary>
internal static class ApiEventSchemas
{
    /// <summary>The schema of any event.</summary>
    public const string Any = "Event";

    private const string OfMessage = "MessageEventData",
        OfAttempt = "RecipientsEventData",
        Recipient = "EventRecipient",
        Opened = "CircuitOpenedEventData",
        Closed = "CircuitClosedEventData",
        Ending = "SecretExpiringEventData",
        Disabled = "WebhookDisabledEventData";

    private static readonly OpenApiSchema Text = new() { Type = JsonSchemaType.String };
    private static readonly OpenApiSchema Flag = new() { Type = JsonSchemaType.Boolean };
    private static readonly OpenApiSchema Whole = new() { Type = JsonSchemaType.Integer };
    private static readonly OpenApiSchema Instant = new() { Type = JsonSchemaType.String, Format = "date-time" };

    /// <summary>The schema of an event of this type: <c>message.sent</c> is <c>MessageSentEvent</c>.</summary>
    public static string NameOf(string type) =>
        string.Concat(type.Split('.', '_').Select(static word => char.ToUpperInvariant(word[0]) + word[1..])) + "Event";

    public static void AddTo(OpenApiDocument document)
    {
        var schemas = document.Components!.Schemas!;
        schemas[Recipient] = Object(
            "What became of one recipient.",
            [
                ("email", Text),
                ("status", Choice(Enum.GetValues<RecipientState>().Select(static s => s.Name()))),
                ("smtp_code", new() { Type = JsonSchemaType.Integer | JsonSchemaType.Null }),
                ("enhanced_code", OrNull(Text)),
                ("reply", OrNull(Text)),
            ],
            [("rule", Text)]
        );
        schemas[OfMessage] = Message("What an event says of its message.");
        schemas[OfAttempt] = Message(
            "The same, with what became of its recipients.",
            [("recipients", new() { Type = JsonSchemaType.Array, Items = new OpenApiSchemaReference(Recipient, document) })],
            [
                ("next_attempt_at", Instant),
                ("hold_reason", Text),
                ("policy", Choice(Enum.GetValues<AmbiguousPolicy>().Select(static p => p.Name()))),
                ("reason", Text),
                ("possible_duplicate", Flag),
            ]
        );
        Accounts(schemas);
        schemas[Disabled] = Object(
            "A webhook failed for too long, or its events were dropped.",
            [("tenant", Text), ("webhook", Text), ("reason", Text)],
            [("failing_since", Instant), ("last_error", OrNull(Text)), ("dropped", Whole)]
        );
        foreach (var (type, _) in EventNames.All)
            schemas[NameOf(type)] = Envelope(document, type);
        schemas[Any] = new OpenApiSchema
        {
            Description = "An event of the log; `data` is as webhooks get it.",
            OneOf = [.. EventNames.All.Select(type => (IOpenApiSchema)new OpenApiSchemaReference(NameOf(type.Name), document))],
            Discriminator = new()
            {
                PropertyName = "type",
                Mapping = EventNames.All.ToDictionary(
                    static type => type.Name,
                    type => new OpenApiSchemaReference(NameOf(type.Name), document)
                ),
            },
        };
    }

    private static void Accounts(IDictionary<string, IOpenApiSchema> schemas)
    {
        schemas[Opened] = Object(
            "An account is in trouble, or its provider asks for less.",
            [
                ("tenant", Text),
                ("account", Text),
                ("cause", Text),
                ("kind", Choice(Enum.GetNames<TroubleKind>().Select(static kind => kind.ToLowerInvariant()))),
                ("reason", Text),
                ("failures", Whole),
                ("until", Instant),
            ],
            [
                ("smtp_code", Whole),
                ("enhanced_code", Text),
                ("rule", Text),
                ("remedy", Text),
                ("rate_factor", new() { Type = JsonSchemaType.Number }),
                ("per_minute", Whole),
                ("provider_tenant", Text),
                ("via", Text),
            ]
        );
        schemas[Closed] = Object(
            "An account is used again.",
            [("tenant", Text), ("account", Text), ("cause", Text), ("by", Text), ("since", Instant), ("failures", Whole)],
            [("rule", Text)]
        );
        schemas[Ending] = Object(
            "The secret or password of an account ends, or has ended.",
            [("tenant", Text), ("account", Text), ("expires_at", Instant), ("days", Whole), ("reason", Text)],
            []
        );
    }

    private static string DataOf(string type) =>
        type switch
        {
            "message.queued" or "message.scheduled" or "message.held" or "message.released" or "message.replaced" => OfMessage,
            "account.circuit_closed" => Closed,
            "account.secret_expiring" => Ending,
            "webhook.disabled" => Disabled,
            _ => type.StartsWith("message.", StringComparison.Ordinal) ? OfAttempt : Opened,
        };

    private static OpenApiSchema Envelope(OpenApiDocument document, string type)
    {
        (string, OpenApiSchema)[] sequence = type.StartsWith("message.", StringComparison.Ordinal) ? [("sequence", Sequence())] : [];
        var schema = Object(
            ApiDocumentEvents.SentenceOf(type),
            [("id", Text), .. sequence, ("type", Choice([type])), ("timestamp", Instant)],
            []
        );
        schema.Required!.Add("data");
        schema.Properties!["data"] = new OpenApiSchemaReference(DataOf(type), document);
        return schema;
    }

    private static OpenApiSchema Sequence() =>
        new()
        {
            Type = JsonSchemaType.Integer,
            Minimum = "1",
            Description = "Counts per message from 1 without gaps.",
        };

    private static OpenApiSchema Message(
        string sentence,
        (string, OpenApiSchema)[]? required = null,
        (string, OpenApiSchema)[]? optional = null
    ) =>
        Object(
            sentence,
            [
                ("tenant", Text),
                ("message_id", Text),
                ("batch", OrNull(Text)),
                ("tags", new() { Type = JsonSchemaType.Array, Items = Text }),
                ("metadata", new() { Type = JsonSchemaType.Object, AdditionalProperties = new OpenApiSchema() }),
                ("status", Choice(Enum.GetValues<MessageState>().Select(static s => s.Name()))),
                ("final", Flag),
                ("attempt", Whole),
                .. required ?? [],
            ],
            [("account", Text), .. optional ?? [("hold_reason", Text)]]
        );

    /// <summary>An object of required and optional members.</summary>
    public static OpenApiSchema Object(
        string sentence,
        IEnumerable<(string Name, OpenApiSchema Schema)> required,
        IEnumerable<(string Name, OpenApiSchema Schema)> optional
    )
    {
        var needed = required.ToArray();
        return new()
        {
            Type = JsonSchemaType.Object,
            Description = sentence,
            Required = needed.Select(static one => one.Name).ToHashSet(),
            Properties = needed.Concat(optional).ToDictionary(static one => one.Name, static one => (IOpenApiSchema)one.Schema),
        };
    }

    private static OpenApiSchema Choice(IEnumerable<string> words) =>
        new() { Type = JsonSchemaType.String, Enum = [.. words.Select(static word => (JsonNode)word)] };

    private static OpenApiSchema OrNull(OpenApiSchema schema) => new() { Type = schema.Type | JsonSchemaType.Null };
}
