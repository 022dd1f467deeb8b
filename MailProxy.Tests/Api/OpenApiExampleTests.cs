using System.Net.Http.Headers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using NUnit.Framework;

namespace MailProxy.Tests.Api;

/// <summary>The examples of the OpenAPI document, which are one story: each is sent to a daemon, in their order.</summary>
[TestFixture]
internal sealed class OpenApiExampleTests
{
    private const string Refresh = "MAILPROXY_REFRESH_OPENAPI";
    private const string Examples = "MailProxy.Daemon/Api/ApiExamples.json";

    private static readonly JsonSerializerOptions Written = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    // What stands in examples for a server, and what stands for it here.
    private static readonly (string Shown, string Here)[] Servers =
    [
        ("smtp.example.com", "127.0.0.1"),
        ("https://files.example.com/", "http://127.0.0.1:9/"),
        ("https://app.example.com/", "http://127.0.0.1:7/"),
    ];

    // What answers have of this run, and what the examples show of it.
    private static readonly (string Pattern, string Shown)[] Recorded =
    [
        ("http://127\\.0\\.0\\.1:9/", "https://files.example.com/"),
        ("http://127\\.0\\.0\\.1:7/", "https://app.example.com/"),
        ("127\\.0\\.0\\.1:9", "files.example.com:443"),
        ("127\\.0\\.0\\.1:7", "app.example.com:443"),
        ("127\\.0\\.0\\.1", "smtp.example.com"),
        ("\"mpt_[A-Za-z0-9_-]+", "\"mpt_a-key-that-is-shown-once-and-never-again-0"),
        ("whsec_[A-Za-z0-9+/=]+", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        ("\"token\":\"[A-Za-z0-9_-]+\"", "\"token\":\"a-token-that-says-what-was-shown\""),
    ];

    // Operations whose example cannot succeed by itself: the document has this answer of them too.
    private static readonly Dictionary<string, int> Otherwise = new() { ["stopOperation"] = 409, ["download"] = 404 };

    [Test]
    public async Task Examples_SentInTheirOrder_AreAnsweredAsTheDocumentSays()
    {
        using var directory = new TempDirectory();
        await using var daemon = await TestDaemon.StartAsync(directory, ("Network:Allowed:0", "127.0.0.0/8"));
        var document = await ApiDocumentOf.ReadAsync(daemon.Http);
        var examples = JsonNode.Parse(await File.ReadAllTextAsync(Repository.File(Examples)))!.AsObject();
        Assert.That(examples.Select(static e => e.Key), Is.EquivalentTo(document.Operations.Select(static o => o.Id)));

        var story = new Story(daemon, document);
        var isChanged = false;
        using (Assert.EnterMultipleScope())
        {
            foreach (var (id, example) in examples.ToArray())
            {
                var (status, type, text) = await story.SendAsync(document.Find(id), example!.AsObject());
                if (status < 300 && text.Length > 0 && Environment.GetEnvironmentVariable(Refresh) == "1")
                    isChanged |= story.Record(document.Find(id), example.AsObject(), status, type, text);
            }
        }

        if (isChanged)
            await File.WriteAllTextAsync(Repository.File(Examples), examples.ToJsonString(Written) + "\n");
        await daemon.StopAsync();
    }

    [Test]
    public void Examples_OfBodiesAndAnswers_FitTheirSchemas()
    {
        var document = ApiDocumentOf.Written();
        var looked = 0;
        using (Assert.EnterMultipleScope())
        {
            foreach (var operation in document.Operations)
            {
                var contents = (operation.Bodies?.ToArray() ?? []).Concat(
                    operation.Json["responses"]!.AsObject().SelectMany(static r => r.Value!["content"]?.AsObject().ToArray() ?? [])
                );
                foreach (var (type, content) in contents.Where(static c => c.Value!["example"] is not null))
                {
                    looked++;
                    Assert.That(document.Schemas.Faults(content!["schema"]!, content["example"]), Is.Empty, $"{operation.Id} {type}");
                }

                foreach (var parameter in operation.Parameters("path"))
                    Assert.That(parameter["example"], Is.Not.Null, $"{operation.Id} {parameter["name"]}");
                foreach (
                    var parameter in operation.Parameters("path").Concat(operation.Parameters("query")).Where(p => p["example"] is not null)
                )
                    Assert.That(
                        document.Schemas.Faults(parameter["schema"]!, parameter["example"]),
                        Is.Empty,
                        $"{operation.Id} {parameter["name"]}"
                    );
                if (operation.Bodies is { } bodies)
                    Assert.That(bodies.Any(static b => b.Value!["example"] is not null), $"{operation.Id} has no example of its body");
            }

            Assert.That(looked, Is.GreaterThan(60));
        }
    }

    /// <summary>The daemon that hears the story, and what it must be told of what was answered before.</summary>
    private sealed class Story(TestDaemon daemon, ApiDocumentOf document)
    {
        // What later requests name in place of the examples' words.
        private readonly Dictionary<string, string> _known = [];

        public async Task<(int Status, string Type, string Text)> SendAsync(ApiOperation operation, JsonObject example)
        {
            await PrepareAsync(operation.Id);
            var path = operation.WithPath((name, shown) => _known.GetValueOrDefault($"{operation.Id}.{name}", shown));
            using var request = new HttpRequestMessage(new(operation.Method), path + operation.ExampleQuery);
            var type = (string?)example["type"] ?? "application/json";
            if (example["request"] is { } body)
                request.Content = Content(body, type);
            using var answer = await daemon.Http.SendAsync(request);
            var text = await answer.Content.ReadAsStringAsync();
            var status = (int)answer.StatusCode;
            Check(operation, status, answer.Content.Headers.ContentType?.MediaType, text);
            Learn(operation.Id, text);
            return (status, answer.Content.Headers.ContentType?.MediaType ?? "", text);
        }

        /// <summary>Keeps an answer as the example, unless the one that is there fits still.</summary>
        public bool Record(ApiOperation operation, JsonObject example, int status, string type, string text)
        {
            if (type is not ("application/json" or "application/x-ndjson"))
                return false;
            var schema = document.Answer(operation, status)!["content"]![type]!["schema"]!;
            if (example["answer"] is { } there && document.Schemas.Faults(schema, there).Count == 0)
                return false;
            var one = type == "application/json" ? text : text.Split('\n')[0];
            example["answer"] = JsonNode.Parse(Recorded.Aggregate(one, static (now, r) => Regex.Replace(now, r.Pattern, r.Shown)));
            example["answer_type"] = type;
            return true;
        }

        private void Check(ApiOperation operation, int status, string? type, string text)
        {
            Assert.That(
                status,
                Otherwise.TryGetValue(operation.Id, out var other) ? Is.EqualTo(other) : Is.InRange(200, 299),
                $"{operation.Id}: {text}"
            );
            var said = document.Answer(operation, status);
            Assert.That(said, Is.Not.Null, $"{operation.Id}: the document does not know {status}");
            if (text.Length == 0)
                return;
            var content = said!["content"]?[type ?? ""];
            Assert.That(content, Is.Not.Null, $"{operation.Id}: the document does not know {status} {type}");
            foreach (var json in Values(type!, text))
                Assert.That(document.Schemas.Faults(content!["schema"]!, json), Is.Empty, $"{operation.Id}: {json?.ToJsonString()}");
        }

        private static IEnumerable<JsonNode?> Values(string type, string text) =>
            type switch
            {
                "application/x-ndjson" => text.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                    .Select(static line => JsonNode.Parse(line)),
                "application/json" or "application/problem+json" => [JsonNode.Parse(text)],
                _ => [],
            };

        private static HttpContent Content(JsonNode body, string type)
        {
            if (type == "application/x-www-form-urlencoded")
                return new FormUrlEncodedContent(body.AsObject().Select(static m => KeyValuePair.Create(m.Key, (string)m.Value!)));
            var text = Servers.Aggregate(body.ToJsonString(), static (now, s) => now.Replace(s.Shown, s.Here, StringComparison.Ordinal));
            return new StringContent(text, Encoding.UTF8, new MediaTypeHeaderValue(type));
        }

        private async Task PrepareAsync(string id)
        {
            switch (id)
            {
                case "listOperations":
                    using (
                        var begun = await daemon.Http.PostAsync(
                            "/v1/messages/actions",
                            Content(new JsonObject { ["token"] = _known["token"] }, "application/json")
                        )
                    )
                    {
                        var operation = (string)JsonNode.Parse(await begun.Content.ReadAsStringAsync())!["id"]!;
                        (_known["getOperation.id"], _known["stopOperation.id"], _known["undoOperation.id"]) = (
                            operation,
                            operation,
                            operation
                        );
                        await EndAsync(operation);
                    }

                    break;
                case "getRawSandboxMessage":
                    using (
                        var sent = await daemon.Http.PostAsync(
                            "/v1/messages",
                            Content(
                                new JsonObject
                                {
                                    ["account"] = "sandbox",
                                    ["from"] = "a@example.com",
                                    ["to"] = "b@example.com",
                                    ["text"] = "t",
                                    ["id"] = "caught",
                                },
                                "application/json"
                            )
                        )
                    )
                        Assert.That((int)sent.StatusCode, Is.EqualTo(202), await sent.Content.ReadAsStringAsync());
                    await daemon.UntilAsync("caught", EventType.MessageSent);
                    break;
                case "deleteBatch":
                    foreach (var waiting in (string[])["order-4711", "news-11-1"])
                        Assert.That((int)await daemon.SendAsync(HttpMethod.Post, $"/v1/messages/{waiting}/cancel"), Is.EqualTo(200));
                    break;
                case "askToUnsubscribe":
                    var number = daemon.Services.GetRequiredService<CurrentTenants>().Directory.Find("default")!.Number;
                    var link = new UnsubscribeLink(number, new("default", "order-4711"), "ann@example.net");
                    _known["askToUnsubscribe.token"] = _known["unsubscribe.token"] = daemon
                        .Services.GetRequiredService<UnsubscribeLinks>()
                        .Seal(link);
                    break;
            }
        }

        private async Task EndAsync(string operation)
        {
            await Eventually.BecomesAsync(
                async () => (string)(await daemon.GetAsync($"/v1/operations/{operation}"))["status"]!,
                static status => status == "done"
            );
        }

        private void Learn(string id, string text)
        {
            switch (id)
            {
                case "createKey":
                    _known["deleteKey.key"] = (string)JsonNode.Parse(text)!["id"]!;
                    break;
                case "actOnMessages":
                    _known["token"] = (string)JsonNode.Parse(text)!["token"]!;
                    break;
            }
        }
    }
}
