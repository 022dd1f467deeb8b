using System.Text.Json.Nodes;
using MailProxy.Pipeline.Mail;
using Microsoft.OpenApi;

namespace MailProxy.Daemon.Api;

/// <summary>The section <c>webhooks</c>: the requests that the daemon makes, each with its body and what it is signed with.</summary>
internal static class ApiDocumentEvents
{
    private const string Batch = "EventBatch",
        Test = "WebhookTestEvent",
        Report = "DeliveryReport",
        ReportEntry = "DeliveryReportEntry",
        ReportAnswer = "DeliveryReportAnswer";

    private static readonly OpenApiSchema Text = new() { Type = JsonSchemaType.String };
    private static readonly OpenApiSchema Seconds = new() { Type = JsonSchemaType.Integer, Description = "Unix seconds." };

    public static string SentenceOf(string type) =>
        type switch
        {
            "message.queued" => "A message was accepted, or queued again.",
            "message.scheduled" => "A message was accepted, or queued again, for a time that lies ahead.",
            "message.held" => "A person keeps a message until it is released.",
            "message.released" => "A person let a held message go.",
            "message.replaced" => "The same id came with other content.",
            "message.deferred" => "An attempt failed for now.",
            "message.sent" => "Every recipient was accepted.",
            "message.partially_sent" => "Some recipients were accepted, the others never will be.",
            "message.failed" => "A message was refused for good, or its retries are used up.",
            "message.ambiguous" => "An attempt ended in doubt; `status` says what became of the message.",
            "message.bounced" => "A bounce came back for a message.",
            "message.suppressed" => "The suppression list keeps a message from some recipients, or from all.",
            "message.cancelled" => "A person cancelled a message.",
            "message.expired" => "A message's `expires_at` came before it could be sent.",
            "message.unsubscribed" => "The recipient of a message unsubscribed; its state stays.",
            "account.throttled" => "The provider of an account asks for less.",
            "account.circuit_opened" => "An account is in trouble; its mail waits.",
            "account.circuit_closed" => "An account is used again.",
            "account.auth_failed" => "The log-in of an account was refused.",
            "account.secret_expiring" => "The secret or password of an account ends in 30, 7 or 1 days, or has ended.",
            "webhook.disabled" => "A webhook failed for too long, or its events were dropped.",
            _ => throw new ArgumentOutOfRangeException(nameof(type), type, "No sentence says what this event is."),
        };

    public static void AddTo(OpenApiDocument document)
    {
        ApiEventSchemas.AddTo(document);
        var schemas = document.Components!.Schemas!;
        ((OpenApiSchema)((OpenApiSchema)schemas["EventList"]).Properties!["data"]).Items = Reference(document, ApiEventSchemas.Any);
        schemas[Test] = WithData(
            ApiEventSchemas.Object(
                "What a test of a webhook sends; it tells of nothing.",
                [("id", Text), ("type", Constant("webhook.test")), ("timestamp", Instant)],
                []
            ),
            ApiEventSchemas.Object("Whose test it is.", [("tenant", Text), ("webhook", Text)], [])
        );
        schemas[Batch] = WithData(
            ApiEventSchemas.Object(
                "Events of a webhook whose `max_batch` is above 1.",
                [("type", Constant("batch")), ("timestamp", Instant)],
                []
            ),
            ApiEventSchemas.Object(
                "The events, those of one message in their order.",
                [("events", Many(document, ApiEventSchemas.Any))],
                []
            )
        );
        Reports(document, schemas);

        document.Webhooks = new Dictionary<string, IOpenApiPathItem>();
        foreach (var (type, _) in EventNames.All)
            document.Webhooks[type] = Post(
                document,
                "on" + ApiEventSchemas.NameOf(type)[..^5],
                SentenceOf(type),
                ApiEventSchemas.NameOf(type)
            );
        document.Webhooks["webhook.test"] = Post(document, "onWebhookTest", "A person tests a webhook.", Test);
        document.Webhooks["batch"] = Post(document, "onBatch", "Several events in one request (`max_batch` above 1).", Batch);
        document.Webhooks["delivery_report"] = Post(
            document,
            "onDeliveryReport",
            "What became of messages, for a webhook of style `sync`, whose answer steers what follows.",
            Report,
            ReportAnswer
        );
    }

    private static void Reports(OpenApiDocument document, IDictionary<string, IOpenApiSchema> schemas)
    {
        schemas[ReportEntry] = ApiEventSchemas.Object(
            "What became of one message; which members there are depends on it.",
            [("tenant_id", Text), ("id", Text)],
            [
                ("sent_ts", Seconds),
                ("deferred_ts", Seconds),
                ("deferred_reason", Text),
                ("error_ts", Seconds),
                ("error", Text),
                ("bounce_ts", Seconds),
                ("bounce_type", OrNull),
                ("bounce_code", OrNull),
                ("bounce_reason", OrNull),
            ]
        );
        schemas[Report] = ApiEventSchemas.Object(
            "Entries, oldest first; empty: there is nothing to report.",
            [("delivery_report", Many(document, ReportEntry))],
            []
        );
        schemas[ReportAnswer] = ApiEventSchemas.Object(
            "What steers the next report; a body that is none acknowledges all.",
            [],
            [
                ("ok", new() { Type = JsonSchemaType.Boolean }),
                ("queued", new() { Type = JsonSchemaType.Integer, Description = "Above 0: the next report follows at once." }),
                (
                    "next_sync_after",
                    new() { Type = JsonSchemaType.Number, Description = "Unix seconds before which no empty report is sent." }
                ),
                (
                    "error",
                    new()
                    {
                        Type = JsonSchemaType.Array,
                        Items = Text,
                        Description = "Ids whose entries come again.",
                    }
                ),
                ("not_found", new() { Type = JsonSchemaType.Array, Items = Text }),
            ]
        );
    }

    private static OpenApiPathItem Post(OpenApiDocument document, string id, string sentence, string body, string? answer = null) =>
        new()
        {
            Operations = new()
            {
                [HttpMethod.Post] = new()
                {
                    OperationId = id,
                    Summary = sentence.TrimEnd('.'),
                    Description = sentence + " Deliveries repeat: compare `webhook-id`.",
                    Tags = new HashSet<OpenApiTagReference> { new(ApiDocumentTags.Reports, document) },
                    Security = [],
                    Parameters = [.. Headers()],
                    RequestBody = new OpenApiRequestBody
                    {
                        Required = true,
                        Content = new Dictionary<string, OpenApiMediaType>
                        {
                            ["application/json"] = new() { Schema = Reference(document, body) },
                        },
                    },
                    Responses = new()
                    {
                        ["200"] = new OpenApiResponse
                        {
                            Description = "Acknowledged, as by any other 2xx.",
                            Content = answer is null
                                ? null
                                : new Dictionary<string, OpenApiMediaType>
                                {
                                    ["application/json"] = new() { Schema = Reference(document, answer) },
                                },
                        },
                        ["410"] = new OpenApiResponse { Description = "Nobody listens here any more: the webhook is disabled." },
                        ["default"] = new OpenApiResponse
                        {
                            Description = "Not acknowledged: it comes again, after Retry-After if that is given.",
                        },
                    },
                },
            },
        };

    private static IEnumerable<IOpenApiParameter> Headers()
    {
        yield return Header("webhook-id", "The id of the request: of a single event its id. The same again when it is repeated.", Text);
        yield return Header("webhook-timestamp", "When it was signed, in Unix seconds.", new() { Type = JsonSchemaType.Integer });
        yield return Header(
            "webhook-signature",
            "Standard Webhooks 1.0: `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`, keyed with the base64-decoded part of "
                + "the secret behind `whsec_`; several with blanks between while a secret is being changed.",
            new() { Type = JsonSchemaType.String, Pattern = "^v1,[A-Za-z0-9+/=]+( v1,[A-Za-z0-9+/=]+)*$" }
        );
    }

    private static OpenApiParameter Header(string name, string sentence, OpenApiSchema schema) =>
        new()
        {
            Name = name,
            In = ParameterLocation.Header,
            Required = true,
            Description = sentence,
            Schema = schema,
        };

    private static OpenApiSchema WithData(OpenApiSchema envelope, OpenApiSchema data)
    {
        envelope.Required!.Add("data");
        envelope.Properties!["data"] = data;
        return envelope;
    }

    private static OpenApiSchema Instant => new() { Type = JsonSchemaType.String, Format = "date-time" };

    private static OpenApiSchema OrNull => new() { Type = JsonSchemaType.String | JsonSchemaType.Null };

    private static OpenApiSchema Constant(string word) => new() { Type = JsonSchemaType.String, Enum = [(JsonNode)word] };

    private static OpenApiSchema Many(OpenApiDocument document, string name) =>
        new() { Type = JsonSchemaType.Array, Items = Reference(document, name) };

    private static OpenApiSchemaReference Reference(OpenApiDocument document, string name) => new(name, document);
}
