using System.Text.Json.Nodes;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Api;

/// <summary>One operation of the OpenAPI document.</summary>
internal sealed record ApiOperation(string Method, string Path, JsonObject Json)
{
    public string Id => (string)Json["operationId"]!;

    /// <summary>The body's forms, by media type; null: there is no body.</summary>
    public JsonObject? Bodies => Json["requestBody"]?["content"]?.AsObject();

    /// <summary>The path with its examples.</summary>
    public string ExamplePath => WithPath(static (_, example) => example);

    /// <summary>The query with its examples; empty: there are none.</summary>
    public string ExampleQuery =>
        string.Join(
            '&',
            Parameters("query")
                .Where(static p => p["example"] is not null)
                .Select(static p => $"{p["name"]}={Uri.EscapeDataString(p["example"]!.ToString())}")
        )
            is { Length: > 0 } query
            ? "?" + query
            : "";

    public IEnumerable<JsonObject> Parameters(string place) =>
        (Json["parameters"]?.AsArray() ?? []).Select(static p => p!.AsObject()).Where(p => (string)p["in"]! == place);

    /// <summary>The path, with what stands for each of its parameters.</summary>
    public string WithPath(Func<string, string, string> value) =>
        Parameters("path")
            .Aggregate(
                Path,
                (path, p) =>
                    path.Replace(
                        $"{{{p["name"]}}}",
                        value((string)p["name"]!, p["example"]?.ToString() ?? "none"),
                        StringComparison.Ordinal
                    )
            );
}

/// <summary>The OpenAPI document as a daemon serves it.</summary>
internal sealed class ApiDocumentOf(JsonNode root)
{
    public JsonNode Root { get; } = root;

    public JsonSchemaCheck Schemas { get; } = new(root);

    public IReadOnlyList<ApiOperation> Operations { get; } =
    [
        .. root["paths"]!
            .AsObject()
            .SelectMany(static path =>
                path.Value!.AsObject().Select(one => new ApiOperation(one.Key.ToUpperInvariant(), path.Key, one.Value!.AsObject()))
            ),
    ];

    public static async Task<ApiDocumentOf> ReadAsync(HttpClient client)
    {
        using var answer = await client.GetAsync("/openapi/v1.json");
        Assert.That((int)answer.StatusCode, Is.EqualTo(200));
        return new(JsonNode.Parse(await answer.Content.ReadAsStringAsync())!);
    }

    /// <summary>The one that is checked in.</summary>
    public static ApiDocumentOf Written() => new(JsonNode.Parse(File.ReadAllText(Repository.File("docs/openapi.json")))!);

    public ApiOperation Find(string id) => Operations.Single(one => one.Id == id);

    /// <summary>What the document says of an answer; null: it does not know the status.</summary>
    public JsonObject? Answer(ApiOperation operation, int status)
    {
        if (operation.Json["responses"]![$"{status}"] is not JsonObject found)
            return null;
        return (string?)found["$ref"] is { } reference ? Root["components"]!["responses"]![reference.Split('/')[^1]]!.AsObject() : found;
    }
}
