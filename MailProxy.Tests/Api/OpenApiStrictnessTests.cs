using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Api;

/// <summary>
/// Whether the OpenAPI document is as strict as the server: of every member of every request's body, what is just beyond what the document
/// says is sent and refused, and the bound itself is taken.
/// </summary>
[TestFixture]
internal sealed class OpenApiStrictnessTests : DaemonFixture
{
    // What the stories of the other requests need to be there.
    private static readonly string[] Seeds =
    [
        "putTenant",
        "putVolume",
        "putAccount",
        "createDkimKey",
        "putPool",
        "putWebhook",
        "submitMessage",
        "putBatch",
    ];

    // Lines are answered one by one, without pointers; a form is no JSON.
    private static readonly string[] Other = ["importSuppressions", "unsubscribe"];

    // Where two rules meet, and the document can say one of them only: what it says is as strict as the looser one.
    private static readonly string[] Never =
    [
        "putWebhook /secret taken", // its form says more than its length
        "createKey /scopes taken", // there are three words
        "putVolume /config/bucket taken", // a name of a bucket is shorter
    ];

    private readonly List<string> _faults = [];
    private int _sent;
    private ApiDocumentOf _document = null!;

    protected override (string Name, string Value)[] Settings =>
        [("Network:Allowed:0", "127.0.0.0/8"), ("Ingest:MaxMessages", "100"), ("Tenants:MaxKeys", "10000")];

    [Test]
    public async Task Bodies_JustBeyondWhatTheDocumentSays_AreRefused_AndTheBoundIsTaken()
    {
        _document = await ApiDocumentOf.ReadAsync(_daemon.Http);
        foreach (var id in Seeds)
            Assert.That((await SendAsync(_document.Find(id), Example(_document.Find(id)))).Status, Is.InRange(200, 299), id);

        // An account and a pool of the longest id.
        var longest = new string('a', 63);
        Assert.That((int)await _daemon.SendAsync(HttpMethod.Put, $"/v1/accounts/{longest}", new { sandbox = true }), Is.EqualTo(201));
        string[] accounts = [longest];
        var pool = new { strategy = "failover", accounts };
        Assert.That((int)await _daemon.SendAsync(HttpMethod.Put, $"/v1/pools/{longest}", pool), Is.EqualTo(201));
        foreach (var operation in _document.Operations.Where(static o => o.Bodies is not null && !Other.Contains(o.Id)))
        {
            var schema = operation.Bodies!["application/json"]!["schema"]!;
            await ObjectAsync(operation, schema, Example(operation), "");
        }

        Assert.That(_sent, Is.GreaterThan(800));
        Assert.That(string.Join('\n', _faults.Except(Never)), Is.Empty);
    }

    private static JsonNode Example(ApiOperation operation)
    {
        var text = operation.Bodies!["application/json"]!["example"]!.ToJsonString();
        return JsonNode.Parse(
            text.Replace("smtp.example.com", "127.0.0.1", StringComparison.Ordinal)
                .Replace("https://app.example.com/", "http://127.0.0.1:9/", StringComparison.Ordinal)
        )!;
    }

    private async Task ObjectAsync(ApiOperation operation, JsonNode schema, JsonNode body, string at)
    {
        var rules = _document.Schemas.Resolve(schema);
        if (rules["additionalProperties"]?.GetValueKind() == JsonValueKind.False)
            await RefusedAsync(operation, body, at + "/no_such_member", 1, "an unknown member");
        foreach (var name in rules["required"]?.AsArray().Select(static n => (string)n!) ?? [])
            await RefusedAsync(operation, body, $"{at}/{name}", StrictnessBodies.Absent, "it is required");
        // What a message says once for all is a message's again.
        if (operation.Id == "submitBatch" && at.Length > 0)
            return;
        foreach (var (name, member) in rules["properties"]?.AsObject() ?? [])
            await MemberAsync(operation, member!, body, $"{at}/{name}");
    }

    private async Task MemberAsync(ApiOperation operation, JsonNode schema, JsonNode body, string at)
    {
        var rules = _document.Schemas.Resolve(schema);
        body = StrictnessBodies.For(operation.Id, at, body);
        if ((bool?)rules["readOnly"] == true)
        {
            await TakenAsync(operation, body, at, "anything", "taken though read-only", ["unknown_field"]);
            return;
        }

        await NullAsync(operation, rules, body, at);
        var wrong =
            rules["type"]?.ToJsonString().Contains("boolean", StringComparison.Ordinal) == true
                ? JsonValue.Create("x")
                : JsonValue.Create(true);
        await RefusedAsync(operation, body, at, wrong, "another type");
        foreach (var branch in rules["oneOf"]?.AsArray().AsEnumerable() ?? new JsonNode?[] { rules })
            await BranchAsync(operation, _document.Schemas.Resolve(branch!), body, at);
    }

    private Task NullAsync(ApiOperation operation, JsonObject rules, JsonNode body, string at) =>
        _document.Schemas.Faults(rules, null).Count == 0
            ? TakenAsync(operation, body, at, null, "null", ["invalid_type", "invalid_choice", "out_of_range", "unknown_field"])
            : RefusedAsync(operation, body, at, null, "null");

    private async Task BranchAsync(ApiOperation operation, JsonObject rules, JsonNode body, string at)
    {
        var types = rules["type"] is JsonArray several ? several.Select(static t => (string)t!).ToArray() : [(string)rules["type"]!];
        if (types.Contains("string"))
            await TextAsync(operation, rules, body, at);
        if (types.Contains("integer") || types.Contains("number"))
            await NumberAsync(operation, rules, body, at);
        if (types.Contains("array") && operation.Id != "submitBatch")
            await ListAsync(operation, rules, body, at);
        else if (types.Contains("array"))
            await CountAsync(operation, rules, body, at);
        if (
            types.Contains("object")
            && (rules["properties"] is not null || rules["maxProperties"] is not null || rules["propertyNames"] is not null)
        )
            await InnerAsync(operation, rules, body, at);
    }

    private async Task TextAsync(ApiOperation operation, JsonObject rules, JsonNode body, string at)
    {
        foreach (var word in rules["enum"]?.AsArray().Where(static w => w is not null) ?? [])
            await TakenAsync(
                operation,
                body,
                at,
                word!.DeepClone(),
                $"the word {word}",
                ["invalid_choice", "invalid_value", "invalid_priority", "invalid_entry"]
            );
        if (rules["enum"] is not null)
            await RefusedAsync(operation, body, at, "no-such-word", "a word that is none");
        if (rules["pattern"] is { } pattern)
        {
            var bad = new[] { " ", "#", "-a\"b", "\"" }.First(text => !Regex.IsMatch(text, (string)pattern!));
            await RefusedAsync(operation, body, at, bad, "what the pattern excludes");
        }

        if ((int?)rules["minLength"] is { } least)
            await RefusedAsync(operation, body, at, StrictnessBodies.Text(operation.Id, at, least - 1), $"{least - 1} characters");
        if ((int?)rules["maxLength"] is { } most)
            await BoundAsync(
                operation,
                body,
                at,
                StrictnessBodies.Text(operation.Id, at, most),
                StrictnessBodies.Text(operation.Id, at, most + 1)
            );
    }

    private async Task NumberAsync(ApiOperation operation, JsonObject rules, JsonNode body, string at)
    {
        if (rules["minimum"] is { } least)
            await BoundAsync(operation, body, at, Number(least, 0), Number(least, -0.001));
        if (rules["maximum"] is { } most)
            await BoundAsync(operation, body, at, Number(most, 0), Number(most, 1));
        if (!rules["type"]!.ToJsonString().Contains("number", StringComparison.Ordinal))
            await RefusedAsync(operation, body, at, 1.5, "a fraction");
        else if (rules["minimum"] is null)
            await TakenAsync(operation, body, at, 4_000_000_000.5, "a fraction", ["invalid_type", "invalid_time"]);

        static JsonNode Number(JsonNode bound, double more)
        {
            var number = bound.GetValue<double>() + more;
            return number == Math.Floor(number) ? JsonValue.Create((long)number) : JsonValue.Create(number);
        }
    }

    private async Task ListAsync(ApiOperation operation, JsonObject rules, JsonNode body, string at)
    {
        await CountAsync(operation, rules, body, at);
        var item = _document.Schemas.Resolve(rules["items"]!);
        var one = StrictnessBodies.With(body, at, new JsonArray(StrictnessBodies.Item(operation.Id, at, 0)));
        if (item["properties"] is not null)
            await ObjectAsync(operation, item, StrictnessBodies.With(body, at, new JsonArray(new JsonObject())), at + "/0");
        else
            await MemberAsync(operation, item, one, at + "/0");
    }

    private async Task CountAsync(ApiOperation operation, JsonObject rules, JsonNode body, string at)
    {
        JsonArray Of(int count) => [.. Enumerable.Range(0, count).Select(i => StrictnessBodies.Item(operation.Id, at, i))];
        if ((int?)rules["minItems"] is { } least)
            await RefusedAsync(operation, body, at, Of(least - 1), $"{least - 1} items");
        if ((int?)rules["maxItems"] is { } most)
            await BoundAsync(operation, body, at, Of(most), Of(most + 1));
    }

    private async Task InnerAsync(ApiOperation operation, JsonObject rules, JsonNode body, string at)
    {
        if ((int?)rules["maxProperties"] is { } most)
            await BoundAsync(operation, body, at, StrictnessBodies.Map(most), StrictnessBodies.Map(most + 1));
        if (rules["propertyNames"]?["maxLength"] is { } longest)
            await BoundAsync(
                operation,
                body,
                at,
                new JsonObject { [new string('a', (int)longest)] = "v" },
                new JsonObject { [new string('a', (int)longest + 1)] = "v" }
            );
        if (rules["properties"] is not null)
            await ObjectAsync(operation, rules, StrictnessBodies.Open(body, at), at);
    }

    // What is beyond is refused with a code that the bound does not get.
    private async Task BoundAsync(ApiOperation operation, JsonNode body, string at, JsonNode bound, JsonNode beyond)
    {
        var refused = await CodesAsync(operation, StrictnessBodies.With(body, at, beyond), at);
        var taken = await CodesAsync(operation, StrictnessBodies.With(body, at, bound), at);
        if (refused.Count == 0)
            _faults.Add($"{operation.Id} {at} beyond");
        else if (refused.All(taken.Contains))
            _faults.Add($"{operation.Id} {at} taken");
    }

    private async Task RefusedAsync(ApiOperation operation, JsonNode body, string at, JsonNode? value, string what)
    {
        if ((await CodesAsync(operation, StrictnessBodies.With(body, at, value), at)).Count == 0)
            _faults.Add($"{operation.Id} {at}: {what} is taken");
    }

    private async Task TakenAsync(ApiOperation operation, JsonNode body, string at, JsonNode? value, string what, string[] codes)
    {
        if ((await CodesAsync(operation, StrictnessBodies.With(body, at, value), at)).Intersect(codes).Any())
            _faults.Add($"{operation.Id} {at}: {what} is refused");
    }

    /// <summary>The codes of the errors at a place, or below it.</summary>
    private async Task<IReadOnlyList<string>> CodesAsync(ApiOperation operation, JsonNode body, string at)
    {
        var (status, answer) = await SendAsync(operation, body);
        if (_document.Answer(operation, status) is null)
            _faults.Add($"{operation.Id}: the document does not know {status}");
        if (status >= 500)
            _faults.Add($"{operation.Id} {at}: {status}");
        var errors = new[] { answer?["errors"] }
            .Concat(answer?["results"]?.AsArray().Select(static r => r!["error"]?["errors"]) ?? [])
            .SelectMany(static e => e?.AsArray() ?? []);
        return
        [
            .. errors
                .Where(e =>
                    (string)e!["pointer"]! is var pointer && (pointer == at || pointer.StartsWith(at + "/", StringComparison.Ordinal))
                )
                .Select(static e => (string)e!["code"]!),
        ];
    }

    private async Task<(int Status, JsonNode? Answer)> SendAsync(ApiOperation operation, JsonNode body)
    {
        _sent++;
        using var request = new HttpRequestMessage(new(operation.Method), operation.ExamplePath + operation.ExampleQuery)
        {
            Content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json"),
        };
        using var answer = await _daemon.Http.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        return ((int)answer.StatusCode, text.Length == 0 ? null : JsonNode.Parse(text));
    }
}
