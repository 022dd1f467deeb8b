using System.Text.Json;
using System.Text.Json.Nodes;
using MailProxy.Daemon.Cli.Verbs;
using YamlDotNet.Core;

namespace MailProxy.Daemon.Cli.Apply;

/// <summary>What one document of a file wants to be there.</summary>
/// <param name="Tenant">Whose it is; null: that of <c>--tenant</c>, else default.</param>
/// <param name="Resources">By kind and id, as PUT takes them; only kinds that the document names.</param>
/// <param name="Batches">By id.</param>
/// <param name="Suppressions">Entries; null: the document does not name them.</param>
internal sealed record ResourceDocument(
    string? Tenant,
    IReadOnlyDictionary<string, IReadOnlyDictionary<string, JsonObject>> Resources,
    IReadOnlyDictionary<string, JsonObject> Batches,
    IReadOnlyList<JsonObject>? Suppressions
);

/// <summary>Reads a file of resources: YAML or JSON, one document or several.</summary>
internal static class ResourceFile
{
    public const string TenantMember = "tenant";
    public const string Batches = "batches";
    public const string Suppressions = "suppressions";

    private const string FromFile = "from_file";
    private const string FromVariable = "from_env";

    private static readonly string[] Known = [TenantMember, .. NounForm.All.Select(static noun => noun.Plural), Batches, Suppressions];

    public static async Task<IReadOnlyList<ResourceDocument>> ReadAsync(Call call, string file)
    {
        var documents = Parse(await Files.ReadTextAsync(call, file, "--file"), file);
        var found = new List<ResourceDocument>();
        foreach (var document in documents.OfType<JsonObject>())
        {
            await FillInAsync(call, document, "");
            found.Add(Bind(document));
        }

        return found.Count > 0
            ? found
            : throw new UsageException($"--file: {file} has no object in it. It may have: {string.Join(", ", Known)}.");
    }

    private static IReadOnlyList<JsonNode?> Parse(string text, string file)
    {
        try
        {
            return YamlText.Read(text);
        }
        catch (YamlException error)
        {
            var place = $"line {error.Start.Line}, column {error.Start.Column}";
            throw new UsageException($"--file: {file} is neither YAML nor JSON: {place}: {Hosting.OneLine.Of(error)}", error);
        }
    }

    private static ResourceDocument Bind(JsonObject document)
    {
        if (document.FirstOrDefault(member => !Known.Contains(member.Key)).Key is { } unknown)
            throw new UsageException($"--file: '{unknown}' is not known. There may be: {string.Join(", ", Known)}.");
        var resources = new Dictionary<string, IReadOnlyDictionary<string, JsonObject>>();
        foreach (var noun in NounForm.All)
        {
            if (document[noun.Plural] is { } named)
                resources[noun.Plural] = ById(noun.Plural, named);
        }

        return new(
            document[TenantMember] is { } tenant ? Text(tenant, TenantMember) : null,
            resources,
            document[Batches] is { } batches ? ById(Batches, batches) : new Dictionary<string, JsonObject>(),
            document[Suppressions] is { } entries ? Entries(entries) : null
        );
    }

    private static Dictionary<string, JsonObject> ById(string plural, JsonNode named)
    {
        if (named is not JsonObject members)
            throw new UsageException($"--file: {plural} must be an object: each {plural[..^1]} by its id.");
        var found = new Dictionary<string, JsonObject>();
        foreach (var (id, value) in members)
            found[id] = value as JsonObject ?? throw new UsageException($"--file: {plural}.{id} must be an object.");
        return found;
    }

    private static List<JsonObject> Entries(JsonNode entries) =>
        entries is JsonArray list && list.All(static one => one is JsonObject)
            ? [.. list.Select(static one => (JsonObject)one!)]
            : throw new UsageException($"--file: {Suppressions} must be a list of objects with address or domain, and reason.");

    private static string Text(JsonNode value, string name) =>
        value.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : throw new UsageException($"--file: {name} must be text.");

    // A secret need not stand in the file: {from_file: relay.pw} or {from_env: RELAY_PASSWORD} stands for it anywhere.
    private static async Task FillInAsync(Call call, JsonNode node, string at)
    {
        if (node is JsonArray list)
        {
            foreach (var item in list.OfType<JsonNode>().ToArray())
                await FillInAsync(call, item, at);
        }
        else if (node is JsonObject members)
        {
            foreach (var (name, value) in members.ToArray())
            {
                var place = at.Length == 0 ? name : $"{at}.{name}";
                if (value is JsonObject { Count: 1 } one && one.First().Key is FromFile or FromVariable)
                    members[name] = await ReadAsync(call, ((JsonObject)value).First(), place);
                else if (value is not null)
                    await FillInAsync(call, value, place);
            }
        }
    }

    private static async Task<string> ReadAsync(Call call, KeyValuePair<string, JsonNode?> source, string place)
    {
        var name = source.Value is { } value ? Text(value, $"{place}.{source.Key}") : "";
        if (source.Key == FromFile)
            return (await Files.ReadTextAsync(call, name, $"{place}.{FromFile}")).TrimEnd('\r', '\n');
        return call.Terminal.Environment[name] as string
            ?? throw new UsageException($"{place}.{FromVariable}: there is no variable {name}.");
    }
}
