using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace MailProxy.Daemon.Cli.Apply;

/// <summary>YAML as JSON, and back: scalars by the core schema of YAML 1.2, so that "no" is a word and 587 a number. Pure.</summary>
internal static partial class YamlText
{
    /// <summary>Values of one file; an alias counts as often as it is used, so that a small file makes no large one.</summary>
    private const int MostValues = 200_000;

    /// <summary>Each document of a text; JSON is YAML too.</summary>
    /// <exception cref="YamlException">It is none.</exception>
    public static IReadOnlyList<JsonNode?> Read(string text)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(text));
        var left = MostValues;
        return [.. stream.Documents.Select(document => Json(document.RootNode, ref left))];
    }

    public static string Write(JsonNode node)
    {
        using var text = new StringWriter { NewLine = "\n" };
        new YamlStream(new YamlDocument(Yaml(node))).Save(text, assignAnchors: false);
        var written = text.ToString();
        const string End = "...\n";
        return written.EndsWith(End, StringComparison.Ordinal) ? written[..^End.Length] : written;
    }

    private static JsonNode? Json(YamlNode node, ref int left)
    {
        if (--left < 0)
            throw new YamlException(node.Start, node.End, $"more than {MostValues} values");
        switch (node)
        {
            case YamlMappingNode map:
                var members = new JsonObject();
                foreach (var (key, value) in map.Children)
                    members[Key(key)] = Json(value, ref left);
                return members;
            case YamlSequenceNode list:
                var items = new JsonArray();
                foreach (var item in list.Children)
                    items.Add(Json(item, ref left));
                return items;
            default:
                return Scalar((YamlScalarNode)node);
        }
    }

    private static string Key(YamlNode key) =>
        key is YamlScalarNode { Value: { } name } ? name : throw new YamlException(key.Start, key.End, "a name must be plain text");

    private static JsonNode? Scalar(YamlScalarNode scalar)
    {
        var text = scalar.Value ?? "";
        if (scalar.Style is not (ScalarStyle.Plain or ScalarStyle.Any))
            return text;
        return text switch
        {
            "" or "~" or "null" or "Null" or "NULL" => null,
            "true" or "True" or "TRUE" => true,
            "false" or "False" or "FALSE" => false,
            _ when Whole().IsMatch(text) && long.TryParse(text, CultureInfo.InvariantCulture, out var number) => number,
            _ when Decimal().IsMatch(text) => double.Parse(text, CultureInfo.InvariantCulture),
            _ => text,
        };
    }

    private static YamlNode Yaml(JsonNode? node) =>
        node switch
        {
            JsonObject members => new YamlMappingNode(
                members.Select(static one => KeyValuePair.Create<YamlNode, YamlNode>(Text(one.Key), Yaml(one.Value)))
            ),
            JsonArray items => new YamlSequenceNode(items.Select(Yaml)),
            JsonValue value when value.GetValueKind() == JsonValueKind.String => Text(value.GetValue<string>()),
            null => new YamlScalarNode("null"),
            _ => new YamlScalarNode(node.ToJsonString()),
        };

    // Text that would be read as something else stands in quotation marks.
    private static YamlScalarNode Text(string text)
    {
        var plain = Scalar(new YamlScalarNode(text)) is JsonValue value && value.GetValueKind() == JsonValueKind.String;
        return new(text)
        {
            Style =
                !plain ? ScalarStyle.DoubleQuoted
                : text.Contains('\n') ? ScalarStyle.Literal
                : ScalarStyle.Any,
        };
    }

    [GeneratedRegex("^[-+]?(0|[1-9][0-9]*)$")]
    private static partial Regex Whole();

    [GeneratedRegex(@"^[-+]?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$")]
    private static partial Regex Decimal();
}
