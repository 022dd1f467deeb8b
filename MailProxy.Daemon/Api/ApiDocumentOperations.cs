using System.Text.Json.Nodes;
using MailProxy.Pipeline.Accounts;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace MailProxy.Daemon.Api;

/// <summary>What the marks of a route say of its operation: parameters, access, description.</summary>
internal static class ApiDocumentOperations
{
    public const string KeyScheme = "key";

    private const string Ndjson = "application/x-ndjson",
        Csv = "text/csv";

    public static Task Describe(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancel)
    {
        var marks = context.Description.ActionDescriptor.EndpointMetadata;
        operation.Parameters ??= [];
        Paths(operation);
        foreach (var name in marks.OfType<QueryNames>().SelectMany(q => q.Names))
            operation.Parameters.Add(ApiQueries.Of(name));
        if (marks.OfType<TakesIdempotencyKey>().Any())
            operation.Parameters.Add(
                Header(
                    IdempotencyKeys.Header,
                    "1 to 256 characters; the same request under the same key gets the same answer for 24 hours. Not for NDJSON.",
                    new()
                    {
                        Type = JsonSchemaType.String,
                        MinLength = 1,
                        MaxLength = 256,
                        Pattern = "^[ -~]+$",
                    }
                )
            );

        var isVersioned = marks.OfType<VersionedRoute>().Any();
        var isChange = context.Description.HttpMethod != HttpMethods.Get;
        if (isVersioned)
            Versioned(operation, isChange);
        Bodies(operation, context.Document!);

        var isPublic = marks.OfType<PublicRoute>().Any();
        var scope = marks.OfType<RouteScope>().LastOrDefault();
        if (!isPublic)
            operation.Parameters.Add(
                Header(
                    "X-Tenant",
                    "The tenant to act on. A tenant's key may name its own only.",
                    new()
                    {
                        Type = JsonSchemaType.String,
                        Default = JsonValue.Create(Tenant.DefaultId),
                        MinLength = 1,
                        MaxLength = 63,
                        Pattern = IdSyntax.ObjectPattern,
                    }
                )
            );

        operation.Description =
            operation.Summary
            + ". "
            + (
                isPublic ? "It needs no key."
                : scope is { Needed: not KeyScopes.None } ? $"A tenant's key needs the scope `{scope.Needed.Names()[0]}`."
                : "For the admin key only."
            );
        operation.Security = isPublic ? [] : [new() { [new OpenApiSecuritySchemeReference(KeyScheme, context.Document)] = [] }];
        ApiDocumentStatuses.Describe(
            operation,
            context.Document!,
            new(
                IsPublic: isPublic,
                IsChange: isChange && (scope?.Needed == KeyScopes.Manage || marks.OfType<ConfigurationChange>().Any()),
                IsVersioned: isVersioned && isChange
            )
        );
        return Task.CompletedTask;
    }

    private static void Paths(OpenApiOperation operation)
    {
        var isMessage = operation.Tags?.Any(static tag => tag.Name == "Messages") == true || operation.OperationId == "explainMessage";
        foreach (var one in operation.Parameters!.OfType<OpenApiParameter>().Where(static p => p.In == ParameterLocation.Path))
        {
            var schema = (OpenApiSchema)one.Schema!;
            (one.Description, schema.MaxLength, schema.Pattern) = one.Name switch
            {
                "id" when schema.Type == JsonSchemaType.Integer => ("The number of a mail.", null, null),
                "id" when isMessage => ("The id of the message.", (int?)128, IdSyntax.MessagePattern),
                "id" => ("The id of the object.", 63, IdSyntax.ObjectPattern),
                "key" => ("The id of the key.", 63, IdSyntax.ObjectPattern),
                "selector" => ("The selector of the DKIM key.", 253, null),
                _ => ("What the link in the mail has.", null, null),
            };
        }
    }

    // Where a body or an answer has several forms, and the type of one does not say the others. Of lines the schema is that of one.
    private static void Bodies(OpenApiOperation operation, OpenApiDocument document)
    {
        var bodies = operation.RequestBody as OpenApiRequestBody;
        switch (operation.OperationId)
        {
            case "submitMessage" or "submitBatch":
                bodies!.Description = "As application/x-ndjson: one message a line.";
                bodies.Content![Ndjson].Schema = new OpenApiSchemaReference(nameof(MessageRequest), document);
                operation.Responses!["200"] = WithLines(operation.Responses.GetValueOrDefault("200"), document);
                break;
            case "importSuppressions":
                bodies!.Description = "One entry a line; of CSV (RFC 4180) address or domain, reason, expiry.";
                bodies.Content![Csv].Schema = new OpenApiSchema { Type = JsonSchemaType.String };
                break;
            case "unsubscribe":
                foreach (var (_, form) in bodies!.Content!)
                    form.Schema = OneClick();
                break;
            case "exportSuppressions":
                operation.Responses!["200"].Description = "One entry a line; of CSV (RFC 4180) address or domain, reason, expiry.";
                operation.Responses["200"].Content![Csv].Schema = new OpenApiSchema { Type = JsonSchemaType.String };
                break;
            case "exportAudit":
                operation.Responses!["200"].Description = "One entry a line.";
                break;
        }
    }

    private static OpenApiResponse WithLines(IOpenApiResponse? there, OpenApiDocument document)
    {
        var response = there as OpenApiResponse ?? new();
        response.Description = "The results in the order of the request; as NDJSON one a line, when the request was so.";
        response.Content ??= new Dictionary<string, OpenApiMediaType>();
        response.Content[Ndjson] = new() { Schema = new OpenApiSchemaReference(nameof(ReceiptItem), document) };
        return response;
    }

    private static OpenApiSchema OneClick() =>
        new()
        {
            Type = JsonSchemaType.Object,
            Required = new HashSet<string> { "List-Unsubscribe" },
            Properties = new Dictionary<string, IOpenApiSchema>
            {
                ["List-Unsubscribe"] = new OpenApiSchema { Type = JsonSchemaType.String, Enum = ["One-Click"] },
            },
        };

    private static void Versioned(OpenApiOperation operation, bool isChange)
    {
        foreach (var (status, response) in operation.Responses ?? [])
        {
            if (status is "200" or "201" && response is OpenApiResponse answered)
                answered.Headers = new Dictionary<string, IOpenApiHeader>
                {
                    ["ETag"] = new OpenApiHeader
                    {
                        Description = "The version of what is configured.",
                        Schema = new OpenApiSchema { Type = JsonSchemaType.String },
                    },
                };
        }

        if (!isChange)
            return;
        operation.Parameters!.Add(Header("If-Match", "An ETag that was answered before, or *: 412 when it is another now."));
        operation.Parameters!.Add(Header("If-None-Match", "*: 412 when there is one already."));
    }

    private static OpenApiParameter Header(string name, string sentence, OpenApiSchema? schema = null) =>
        new()
        {
            Name = name,
            In = ParameterLocation.Header,
            Description = sentence,
            Schema = schema ?? new OpenApiSchema { Type = JsonSchemaType.String },
        };
}
