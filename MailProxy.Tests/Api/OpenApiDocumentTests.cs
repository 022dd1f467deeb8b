using System.Text.Json;
using System.Text.Json.Nodes;
using NUnit.Framework;

namespace MailProxy.Tests.Api;

[TestFixture]
public sealed class OpenApiDocumentTests
{
    private const string Refresh = "MAILPROXY_REFRESH_OPENAPI";
    private static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    [Test]
    public async Task Document_Made_IsTheOneCheckedIn()
    {
        var path = Path.Combine(Root(), "docs", "openapi.json");
        var made = (await DocumentAsync()).ToJsonString(Indented) + "\n";
        if (Environment.GetEnvironmentVariable(Refresh) == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            await File.WriteAllTextAsync(path, made);
        }

        Assert.That(
            File.Exists(path) ? await File.ReadAllTextAsync(path) : "",
            Is.EqualTo(made),
            $"docs/openapi.json is not what the code makes. If the change is meant, run: {Refresh}=1 dotnet test MailProxy.Tests "
                + $"--filter {nameof(OpenApiDocumentTests)}"
        );
    }

    [Test]
    public async Task Document_Made_IsWhole()
    {
        var document = await DocumentAsync();
        var operations = document["paths"]!
            .AsObject()
            .SelectMany(p => p.Value!.AsObject().Select(o => (Name: $"{o.Key.ToUpperInvariant()} {p.Key}", Operation: o.Value!)))
            .ToArray();
        var schemas = document["components"]!["schemas"]!.AsObject();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(operations, Has.Length.GreaterThan(30));
            Assert.That(operations.Select(o => (string?)o.Operation["operationId"]), Is.Unique.And.None.Null);
            foreach (var (name, operation) in operations)
            {
                var success = operation["responses"]!.AsObject().Where(r => r.Key[0] == '2').ToArray();
                Assert.That(success, Is.Not.Empty, name);
                Assert.That(success.All(r => r.Key == "204" || r.Value!["content"] is JsonObject { Count: > 0 }), name);
                foreach (var refusal in operation["responses"]!.AsObject().Where(r => r.Key[0] is '4' or '5' or 'd' && r.Key != "416"))
                    Assert.That((string?)refusal.Value!["$ref"], Does.StartWith("#/components/responses/"), name);
                Assert.That(operation["security"]!.AsArray(), Has.Count.EqualTo(name.Contains("/v1/") ? 1 : 0), name);
                Assert.That((string?)operation["summary"], Is.Not.Empty, name);
                Assert.That((string?)operation["description"], Is.Not.Empty, name);
                Assert.That(
                    operation["parameters"]?.AsArray().Count(p => (string?)p!["in"] == "path") ?? 0,
                    Is.EqualTo(name.Count(c => c == '{')),
                    name
                );
            }

            Assert.That(schemas.Select(s => s.Key), Has.None.EqualTo("JsonElement"));
            Assert.That(schemas["MessageRequest"]!["required"]?.AsArray() ?? [], Is.Empty);
            Assert.That(schemas["MessageRequest"]!["properties"]!["to"]!["oneOf"]!.AsArray(), Has.Count.EqualTo(3));
            Assert.That(
                schemas["AttachmentRequest"]!["required"]!.AsArray().Select(r => (string?)r),
                Is.EquivalentTo(new[] { "filename" })
            );
            Assert.That(schemas["MessageList"]!["required"]!.AsArray().Select(r => (string?)r), Does.Contain("next_cursor"));
            Assert.That((bool?)schemas["AuthRequest"]!["properties"]!["password"]!["writeOnly"], Is.True);
            foreach (var reference in References(document))
                Assert.That(reference.Split('/')[1..].Aggregate(document, (node, step) => node?[step]!), Is.Not.Null, reference);
            foreach (var response in document["components"]!["responses"]!.AsObject())
                Assert.That(
                    (string?)response.Value!["content"]!["application/problem+json"]!["schema"]!["$ref"],
                    Is.EqualTo("#/components/schemas/Problem"),
                    response.Key
                );
            Assert.That((bool?)schemas["Problem"]!["properties"]!["detail"]!["x-ms-primary-error-message"], Is.True);
            Assert.That(
                schemas["MessageRequest"]!["properties"]!.AsObject().Select(p => p.Key),
                Is.EquivalentTo(
                    new[]
                    {
                        "id",
                        "account",
                        "pool",
                        "from",
                        "to",
                        "cc",
                        "bcc",
                        "reply_to",
                        "return_path",
                        "subject",
                        "text",
                        "html",
                        "headers",
                        "raw",
                        "attachments",
                        "alternatives",
                        "unsubscribe",
                        "priority",
                        "send_at",
                        "expires_at",
                        "batch",
                        "tags",
                        "metadata",
                        "on_ambiguous",
                    }
                )
            );
        }
    }

    private static IEnumerable<string> References(JsonNode? node) =>
        node switch
        {
            JsonObject found => found.SelectMany(m =>
                m.Key == "$ref" ? [m.Value!.GetValue<string>()]
                : m.Key == "mapping" ? m.Value!.AsObject().Select(static one => (string)one.Value!)
                : References(m.Value)
            ),
            JsonArray list => list.SelectMany(References),
            _ => [],
        };

    private static async Task<JsonNode> DocumentAsync()
    {
        await using var host = await ApiHost.StartAsync();
        using var bare = host.NewClient(null);
        using var answer = await bare.GetAsync("/openapi/v1.json");
        Assert.That((int)answer.StatusCode, Is.EqualTo(200));
        return JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
    }

    private static string Root()
    {
        var directory = new DirectoryInfo(TestContext.CurrentContext.TestDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "MailProxy.sln")))
            directory = directory.Parent;
        return directory?.FullName ?? throw new InvalidOperationException("The tests do not run inside the repository.");
    }
}
