using System.Text.Json;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Accounts;
using MailProxy.Pipeline.Configuration.Pools;
using MailProxy.Pipeline.Configuration.Tenants;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Configuration.Webhooks;

namespace MailProxy.Daemon.Cli.Apply;

/// <summary>
/// A kind of thing that a file of resources may have, and how two of it are compared: by what the daemon would store, so that a default
/// that is left out is no difference.
/// </summary>
internal sealed class NounForm
{
    private readonly IFieldList _fields;
    private readonly Func<string, JsonElement, JsonObject?> _shown;

    private NounForm(string plural, IFieldList fields, Func<string, JsonElement, JsonObject?> shown) =>
        (Plural, _fields, _shown) = (plural, fields, shown);

    /// <summary>As in the file and in paths.</summary>
    public string Plural { get; }

    /// <summary>In the order in which they are made: what others name comes before them.</summary>
    public static IReadOnlyList<NounForm> All { get; } =
    [
        Of("tenants", TenantFields.Noun),
        Of("volumes", VolumeFields.Noun),
        Of("accounts", AccountFields.Noun),
        Of("pools", PoolFields.Noun),
        Of("webhooks", WebhookFields.Noun),
    ];

    /// <summary>What is configured of an answer: without state, and without what only says whether a secret is set.</summary>
    public JsonObject Configured(JsonObject answer) => Configured(_fields, answer);

    /// <summary>As the daemon would show what a file says; what it would refuse stays as it is written, and is refused by it.</summary>
    public JsonObject Configured(string id, JsonObject written)
    {
        using var json = JsonDocument.Parse(written.ToJsonString());
        return Configured(_shown(id, json.RootElement) ?? written);
    }

    /// <summary>Secrets that a file gives, which cannot be compared with those that are stored, as paths.</summary>
    public IReadOnlyList<string> Secrets(JsonObject written) => [.. Secrets(_fields, written, "")];

    /// <summary>Secrets that are stored and that no answer has, as paths.</summary>
    public static IReadOnlyList<string> Hidden(JsonObject answer) => [.. Hidden(answer, "")];

    private static NounForm Of<T>(string plural, Noun<T> noun)
        where T : class =>
        new(
            plural,
            noun.Fields,
            (id, json) =>
            {
                var members = new MemberReader(json, byAdmin: true);
                var value = noun.Fields.Bind(members, noun.New("default", id), null);
                return members.Mistakes == 0 ? noun.Fields.Show(value) : null;
            }
        );

    private static JsonObject Configured(IFieldList fields, JsonObject answer)
    {
        var kept = new JsonObject();
        foreach (var member in fields.Members)
        {
            if (member.Use == FieldUse.Everywhere && !member.Secret && answer[member.Name] is { } value)
                kept[member.Name] = Configured(member.Shape, value);
        }

        return kept;
    }

    private static JsonNode Configured(Shape shape, JsonNode value) =>
        (shape, value) switch
        {
            ({ Object: { } below }, JsonObject members) => Configured(below, members),
            ({ Items: { } item }, JsonArray list) => new JsonArray([.. list.Select(one => one is null ? null : Configured(item, one))]),
            ({ Values: { } each }, JsonObject members) => new JsonObject(
                members.Select(one => KeyValuePair.Create(one.Key, one.Value is null ? null : (JsonNode?)Configured(each, one.Value)))
            ),
            _ => value.DeepClone(),
        };

    private static IEnumerable<string> Secrets(IFieldList fields, JsonObject written, string at)
    {
        foreach (var member in fields.Members)
        {
            if (written[member.Name] is not { } value)
                continue;
            if (member.Secret)
                yield return at + member.Name;
            else if (member.Shape.Object is { } below && value is JsonObject members)
            {
                foreach (var secret in Secrets(below, members, $"{at}{member.Name}."))
                    yield return secret;
            }
        }
    }

    private static IEnumerable<string> Hidden(JsonObject answer, string at)
    {
        const string Set = "_set";
        foreach (var (name, value) in answer)
        {
            if (name.EndsWith(Set, StringComparison.Ordinal) && value?.GetValueKind() == JsonValueKind.True)
                yield return at + name[..^Set.Length];
            foreach (var secret in value is JsonObject members ? Hidden(members, $"{at}{name}.") : [])
                yield return secret;
        }
    }
}
