using System.Text;
using System.Text.Json.Nodes;

namespace MailProxy.Daemon.Genro;

/// <summary>
/// The OpenAPI document of what is served: that of version B, what version A has beside it or instead, and the routes of version C as they
/// describe themselves.
/// </summary>
internal sealed class GenroDocument
{
    private const string Query = "query";

    // They are there whatever is served.
    private static readonly string[] Always = ["/health", "/metrics"];

    private readonly byte[] _text;

    public GenroDocument(GenroOptions options, GeneratedRoutes generated)
    {
        var versions = options.Versions;
        var document = Resource("genro-openapi.json");
        var (hasA, hasB) = (versions.HasFlag(GenroVersions.A), versions.HasFlag(GenroVersions.B));
        var paths = (JsonObject)document["paths"]!;
        if (!hasB)
        {
            foreach (var path in paths.Select(static path => path.Key).Except(Always).ToArray())
                paths.Remove(path);
        }

        if (hasA)
            Merge(document, Resource("genro-openapi-a.json"));
        if (versions.HasFlag(GenroVersions.C))
        {
            foreach (var route in generated.All)
                paths["/" + route.Path] = Describe(route);
        }

        document["info"]!["description"] = $"Version {options.Routes}. The same routes are below /mailproxy/v1.";
        _text = Encoding.UTF8.GetBytes(document.ToJsonString());
    }

    public async Task WriteAsync(HttpContext http)
    {
        http.Response.ContentType = "application/json";
        http.Response.ContentLength = _text.Length;
        await http.Response.Body.WriteAsync(_text, http.RequestAborted);
    }

    private static JsonObject Resource(string name)
    {
        using var stream = typeof(GenroDocument).Assembly.GetManifestResourceStream(name)!;
        return (JsonObject)JsonNode.Parse(stream)!;
    }

    // What both versions have takes and answers what either does.
    private static void Merge(JsonObject document, JsonObject more)
    {
        foreach (var (name, schema) in (JsonObject)more["components"]!["schemas"]!)
            document["components"]!["schemas"]![name] = schema!.DeepClone();
        var paths = (JsonObject)document["paths"]!;
        foreach (var (path, item) in (JsonObject)more["paths"]!)
        {
            if (paths[path] is not JsonObject there)
            {
                paths[path] = item!.DeepClone();
                continue;
            }

            foreach (var (method, operation) in (JsonObject)item!)
            {
                if (there[method] is JsonObject both)
                    Join(both, (JsonObject)operation!);
                else
                    there[method] = operation!.DeepClone();
            }
        }
    }

    private static void Join(JsonObject operation, JsonObject other)
    {
        JoinSchemas(operation["requestBody"], other["requestBody"]);
        JoinSchemas(operation["responses"]?["200"], other["responses"]?["200"]);
        if (operation["parameters"] is JsonArray parameters)
        {
            foreach (var parameter in parameters.Where(static one => (string?)one!["in"] == Query))
                parameter!["required"] = false;
        }
    }

    private static void JoinSchemas(JsonNode? one, JsonNode? other)
    {
        if (one?["content"]?["application/json"] is not JsonObject content || other?["content"]?["application/json"] is not JsonObject more)
            return;
        content["schema"] = new JsonObject { ["anyOf"] = new JsonArray(content["schema"]!.DeepClone(), more["schema"]!.DeepClone()) };
    }

    private static JsonObject Describe(GeneratedRoute route)
    {
        var operation = new JsonObject
        {
            ["summary"] = route.Summary,
            ["tags"] = new JsonArray(route.Path.Split('/')[0]),
            ["responses"] = new JsonObject
            {
                ["200"] = Answer("Done", new()),
                ["401"] = Answer("No valid token, or another tenant's.", Reference("Refusal")),
                ["422"] = Answer("A parameter is missing or mistyped.", Reference("Invalid")),
            },
            ["security"] = new JsonArray(new JsonObject { ["token"] = new JsonArray() }),
        };
        if (route.Method == HttpMethods.Get)
            operation["parameters"] = new JsonArray([.. route.Parameters.Select(static one => (JsonNode)Parameter(one))]);
        else
            operation["requestBody"] = Body(route.Parameters);
        return new() { [route.Method.ToLowerInvariant()] = operation };
    }

    private static JsonObject Parameter(GeneratedParameter parameter) =>
        new()
        {
            ["name"] = parameter.Name,
            ["in"] = Query,
            ["required"] = parameter.Required,
            ["schema"] = parameter.Schema(),
        };

    private static JsonObject Body(IReadOnlyList<GeneratedParameter> parameters)
    {
        var members = new JsonObject();
        foreach (var parameter in parameters)
            members[parameter.Name] = parameter.Schema();
        var schema = new JsonObject { ["type"] = "object", ["properties"] = members };
        if (parameters.Any(static one => one.Required))
            schema["required"] = new JsonArray([.. parameters.Where(static one => one.Required).Select(static one => (JsonNode)one.Name)]);
        var body = Content(schema);
        body["required"] = true;
        return body;
    }

    private static JsonObject Answer(string description, JsonObject schema)
    {
        var answer = Content(schema);
        answer.Insert(0, "description", description);
        return answer;
    }

    private static JsonObject Content(JsonObject schema) =>
        new() { ["content"] = new JsonObject { ["application/json"] = new JsonObject { ["schema"] = schema } } };

    private static JsonObject Reference(string name) => new() { ["$ref"] = "#/components/schemas/" + name };
}
