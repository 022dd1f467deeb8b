using System.Text.Json.Nodes;
using MailProxy.Pipeline.Accounts;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace MailProxy.Daemon.Api;

/// <summary>The OpenAPI document, made from the routes, their marks, and the shapes of requests and answers.</summary>
internal static class ApiDocument
{
    private const string KeyScheme = "key";
    private const string ProblemSchema = "Problem";

    public static void AddMailProxyDocument(this IServiceCollection services)
    {
        services.ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.TypeInfoResolverChain.Insert(0, ApiJson.Default);
            json.SerializerOptions.PropertyNamingPolicy = System.Text.Json.JsonNamingPolicy.SnakeCaseLower;
            json.SerializerOptions.NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.Strict;
        });
        services.AddOpenApi(
            "v1",
            document =>
            {
                document.AddDocumentTransformer(Head);
                document.AddOperationTransformer(Operation);
                document.CreateSchemaReferenceId = type => ApiSchemas.NameOf(OpenApiOptions.CreateDefaultSchemaReferenceId(type));
            }
        );
    }

    private static async Task Head(OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken cancel)
    {
        document.Info = new()
        {
            Title = "MailProxy",
            Version = "v1",
            Description = "Hand a mail over and forget it: stored before it is answered, sent within the account's limits, reported.",
        };
        document.Servers = [new() { Url = "/" }];
        document.Components ??= new();
        document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
        {
            [KeyScheme] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.Http,
                Scheme = "bearer",
                Description = "The admin key, or a tenant's. X-API-Token is accepted too.",
            },
        };
        document.AddComponent(ProblemSchema, await context.GetOrCreateSchemaAsync(typeof(ProblemAnswerBody), null, cancel));
        if (document.Components.Schemas is { } schemas)
            ApiSchemas.Finish(schemas);
        ConfigurationSchemas.AddTo(document);
    }

    private static Task Operation(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancel)
    {
        var marks = context.Description.ActionDescriptor.EndpointMetadata;
        operation.Parameters ??= [];
        foreach (var name in marks.OfType<QueryNames>().SelectMany(q => q.Names))
        {
            operation.Parameters.Add(
                new OpenApiParameter
                {
                    Name = name,
                    In = ParameterLocation.Query,
                    Schema = ApiSchemas.OfQuery(name),
                }
            );
        }

        if (marks.OfType<TakesIdempotencyKey>().Any())
        {
            operation.Parameters.Add(
                new OpenApiParameter
                {
                    Name = IdempotencyKeys.Header,
                    In = ParameterLocation.Header,
                    Description =
                        "1 to 256 characters; the same request under the same key gets the same answer for 24 hours. Not for NDJSON.",
                    Schema = new OpenApiSchema
                    {
                        Type = JsonSchemaType.String,
                        MinLength = 1,
                        MaxLength = 256,
                    },
                }
            );
        }

        if (marks.OfType<VersionedRoute>().Any())
            Versioned(operation, isChange: context.Description.HttpMethod != HttpMethods.Get);

        if (!marks.OfType<PublicRoute>().Any())
        {
            operation.Parameters.Add(
                new OpenApiParameter
                {
                    Name = "X-Tenant",
                    In = ParameterLocation.Header,
                    Description = "The tenant to act on. A tenant's key may name its own only.",
                    Schema = new OpenApiSchema { Type = JsonSchemaType.String, Default = JsonValue.Create(Tenant.DefaultId) },
                }
            );
            operation.Description = marks.OfType<RouteScope>().LastOrDefault() is { Needed: not KeyScopes.None } scope
                ? $"A tenant's key needs the scope `{scope.Needed.Names()[0]}`."
                : "For the admin key only.";
            operation.Security = [new() { [new OpenApiSecuritySchemeReference(KeyScheme, context.Document)] = [] }];
        }

        operation.Responses ??= [];
        operation.Responses["default"] = new OpenApiResponse
        {
            Description = "A problem (RFC 9457).",
            Content = new Dictionary<string, OpenApiMediaType>
            {
                ["application/problem+json"] = new() { Schema = new OpenApiSchemaReference(ProblemSchema, context.Document) },
            },
        };
        return Task.CompletedTask;
    }

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

    private static OpenApiParameter Header(string name, string sentence) =>
        new()
        {
            Name = name,
            In = ParameterLocation.Header,
            Description = sentence,
            Schema = new OpenApiSchema { Type = JsonSchemaType.String },
        };
}
