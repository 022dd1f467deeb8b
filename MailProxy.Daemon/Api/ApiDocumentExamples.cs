using System.Text.Json.Nodes;
using Microsoft.OpenApi;

namespace MailProxy.Daemon.Api;

/// <summary>An example of every operation, from <c>ApiExamples.json</c>: what its path and query have, its body, and its answer. A test
/// runs them all, one after another.</summary>
internal static class ApiDocumentExamples
{
    private const string File = "api-examples.json";

    public static JsonObject Read()
    {
        using var file =
            typeof(ApiDocumentExamples).Assembly.GetManifestResourceStream(File)
            ?? throw new InvalidOperationException($"The program lacks {File}.");
        return JsonNode.Parse(file)!.AsObject();
    }

    public static void AddTo(OpenApiDocument document)
    {
        var examples = Read();
        foreach (var operation in document.Paths.Values.SelectMany(static path => path.Operations?.Values.AsEnumerable() ?? []))
        {
            if (examples[operation.OperationId ?? ""] is { } example)
                Add(operation, example);
        }
    }

    private static void Add(OpenApiOperation operation, JsonNode example)
    {
        foreach (var one in operation.Parameters?.OfType<OpenApiParameter>() ?? [])
        {
            var place = one.In == ParameterLocation.Path ? "path" : "query";
            if (one.In is ParameterLocation.Path or ParameterLocation.Query && example[place]?[one.Name!] is { } value)
                one.Example = value.DeepClone();
        }

        if (example["request"] is { } request && operation.RequestBody?.Content is { } bodies)
            bodies[(string?)example["type"] ?? "application/json"].Example = request.DeepClone();
        if (example["answer"] is not { } answer)
            return;
        var type = (string?)example["answer_type"] ?? "application/json";
        var only = (int?)example["answer_status"];
        foreach (var (status, response) in operation.Responses ?? [])
        {
            if (status[0] == '2' && (only is null || status == $"{only}") && response.Content?.TryGetValue(type, out var content) == true)
                content.Example = answer.DeepClone();
        }
    }
}
