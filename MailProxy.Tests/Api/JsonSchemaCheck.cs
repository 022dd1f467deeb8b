using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace MailProxy.Tests.Api;

/// <summary>Compares JSON with a schema of the OpenAPI document: the keywords that the document uses, and no others.</summary>
internal sealed class JsonSchemaCheck(JsonNode document)
{
    // Words that say something to a reader, not of the value.
    private static readonly HashSet<string> Silent =
    [
        "description",
        "format",
        "writeOnly",
        "readOnly",
        "discriminator",
        "default",
        "example",
        "x-ms-primary-error-message",
    ];

    /// <summary>What is wrong with a value, each with its place; empty: nothing.</summary>
    public IReadOnlyList<string> Faults(JsonNode schema, JsonNode? value)
    {
        var faults = new List<string>();
        Check(schema, value, "", faults);
        return faults;
    }

    /// <summary>The schema itself, where one refers to another.</summary>
    public JsonObject Resolve(JsonNode schema)
    {
        while (schema["$ref"] is { } reference)
            schema = document["components"]!["schemas"]![reference.GetValue<string>().Split('/')[^1]]!;
        return schema.AsObject();
    }

    private void Check(JsonNode schema, JsonNode? value, string at, List<string> faults)
    {
        var rules = Resolve(schema);
        foreach (var (word, rule) in rules)
        {
            if (!Silent.Contains(word) && Fault(rules, word, rule!, value, at, faults) is { } fault)
                faults.Add($"{at}: {fault}");
        }
    }

    private string? Fault(JsonObject rules, string word, JsonNode rule, JsonNode? value, string at, List<string> faults)
    {
        var kind = value?.GetValueKind() ?? JsonValueKind.Null;
        var (text, list, members) = (
            kind == JsonValueKind.String ? value!.GetValue<string>() : null,
            value as JsonArray,
            value as JsonObject
        );
        switch (word)
        {
            case "type":
                var types = rule is JsonArray several ? several.Select(static one => (string)one!) : [(string)rule!];
                return types.Any(type => IsOf(type, kind, value)) ? null : $"is {kind}, not {string.Join(" or ", types)}";
            case "enum":
                return rule.AsArray().Any(one => JsonNode.DeepEquals(one, value)) ? null : "is none of the choices";
            case "oneOf":
                var fits = rule.AsArray().Count(one => Faults(one!, value).Count == 0);
                return fits == 1
                    ? null
                    : $"fits {fits} of oneOf, not 1: {string.Join("; ", rule.AsArray().SelectMany(o => Faults(o!, value)).Take(4))}";
            case "minLength":
                return text?.Length < (int)rule ? "is too short" : null;
            case "maxLength":
                return text?.Length > (int)rule ? "is too long" : null;
            case "pattern":
                return text is null || Regex.IsMatch(text, (string)rule!, RegexOptions.ECMAScript) ? null : "does not match the pattern";
            case "minimum":
                return kind == JsonValueKind.Number && Number(value!) < Number(rule) ? "is too small" : null;
            case "maximum":
                return kind == JsonValueKind.Number && Number(value!) > Number(rule) ? "is too large" : null;
            case "minItems":
                return list?.Count < (int)rule ? "has too few" : null;
            case "maxItems":
                return list?.Count > (int)rule ? "has too many" : null;
            case "maxProperties":
                return members?.Count > (int)rule ? "has too many members" : null;
            case "required":
                var missing = rule.AsArray()
                    .Select(static one => (string)one!)
                    .Where(name => members?.ContainsKey(name) == false)
                    .ToArray();
                return missing.Length == 0 ? null : $"lacks {string.Join(", ", missing)}";
            case "items":
                for (var i = 0; i < list?.Count; i++)
                    Check(rule, list[i], $"{at}/{i}", faults);
                return null;
            case "propertyNames":
                foreach (var (name, _) in members ?? [])
                    Check(rule, JsonValue.Create(name), $"{at}/{name}", faults);
                return null;
            case "properties":
                foreach (var (name, member) in members ?? [])
                {
                    if (rule[name] is { } own)
                        Check(own, member, $"{at}/{name}", faults);
                }

                return null;
            case "additionalProperties":
                foreach (var (name, member) in members ?? [])
                {
                    if (rules["properties"]?[name] is not null)
                        continue;
                    if (rule.GetValueKind() == JsonValueKind.False)
                        faults.Add($"{at}/{name}: is not known");
                    else if (rule is JsonObject)
                        Check(rule, member, $"{at}/{name}", faults);
                }

                return null;
            default:
                throw new NotSupportedException($"The document uses '{word}', which {nameof(JsonSchemaCheck)} does not know.");
        }
    }

    private static bool IsOf(string type, JsonValueKind kind, JsonNode? value) =>
        type switch
        {
            "null" => kind == JsonValueKind.Null,
            "string" => kind == JsonValueKind.String,
            "boolean" => kind is JsonValueKind.True or JsonValueKind.False,
            "number" => kind == JsonValueKind.Number,
            "integer" => kind == JsonValueKind.Number && Number(value!) == Math.Floor(Number(value!)),
            "array" => kind == JsonValueKind.Array,
            "object" => kind == JsonValueKind.Object,
            _ => throw new NotSupportedException(type),
        };

    private static double Number(JsonNode value) => double.Parse(value.ToJsonString(), System.Globalization.CultureInfo.InvariantCulture);
}
