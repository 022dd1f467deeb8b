using MailProxy.Pipeline.Intake;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace MailProxy.Daemon.Api;

/// <summary>The OpenAPI document, made from the routes, their marks, and the shapes of requests and answers.</summary>
internal static class ApiDocument
{
    public const string ProblemSchema = "Problem";

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
                document.AddOperationTransformer(ApiDocumentOperations.Describe);
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
            Contact = new() { Name = "MailProxy" },
            License = new() { Name = "Apache-2.0", Identifier = "Apache-2.0" },
        };
        document.Servers = [new() { Url = "/" }];
        document.Components ??= new();
        document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
        {
            [ApiDocumentOperations.KeyScheme] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.Http,
                Scheme = "bearer",
                Description = "The admin key, or a tenant's. X-API-Token is accepted too.",
            },
        };
        document.AddComponent(ProblemSchema, await context.GetOrCreateSchemaAsync(typeof(ProblemAnswerBody), null, cancel));
        ApiSchemas.Finish(document, context.ApplicationServices.GetRequiredService<IngestOptions>());
        ConfigurationSchemas.AddTo(document);
        ApiDocumentStatuses.AddTo(document);
        ApiDocumentEvents.AddTo(document);
        ApiDocumentTags.AddTo(document);
        ApiDocumentExamples.AddTo(document);
    }
}
