using System.Text.Json.Nodes;
using MailProxy.Daemon.Cli.Output;
using MailProxy.Daemon.Client;

namespace MailProxy.Daemon.Cli.Apply;

/// <summary>Compares a file with what is there, and says what is to be done, in the order in which it can be done.</summary>
internal sealed class ApplyPlan(Call call, bool prune)
{
    private const string Default = "default";
    private const string Tenants = "tenants";

    public async Task<IReadOnlyList<Change>> MakeAsync(IReadOnlyList<ResourceDocument> documents)
    {
        var (wanted, gone) = (new List<Change>(), new List<Change>());
        foreach (var document in documents)
        {
            var tenant = document.Tenant ?? call.Tenant ?? Default;
            foreach (var noun in NounForm.All)
            {
                if (!document.Resources.TryGetValue(noun.Plural, out var named))
                    continue;
                foreach (var (id, written) in named)
                    wanted.Add(await CompareAsync(noun, noun.Plural == Tenants ? null : tenant, id, written));
                if (prune)
                    gone.AddRange(await SurplusAsync(noun, noun.Plural == Tenants ? null : tenant, named));
            }

            foreach (var (id, written) in document.Batches)
                wanted.Add(await CompareBatchAsync(tenant, id, written));
            foreach (var entry in document.Suppressions ?? [])
                wanted.Add(await CompareSuppressionAsync(tenant, entry));
        }

        // What is named by others is made before them, and deleted after them.
        var order = NounForm
            .All.Select(static (noun, place) => (noun.Plural, place))
            .ToDictionary(static one => one.Plural, static one => one.place);
        int Place(Change change) => order.GetValueOrDefault(change.Name.Split('/')[0], order.Count);
        return [.. wanted.OrderBy(Place), .. gone.OrderByDescending(Place)];
    }

    private async Task<Change> CompareAsync(NounForm noun, string? tenant, string id, JsonObject written)
    {
        var path = Call.Path($"v1/{noun.Plural}/{{0}}", id);
        var (name, after) = ($"{noun.Plural}/{id}", noun.Configured(id, written));
        var found = await FindAsync(tenant, path);
        var before = found?.Body is JsonObject answer ? noun.Configured(answer) : [];
        DiffLine[] lines =
        [
            .. DiffLine.Between(before, after),
            .. noun.Secrets(written).Select(static secret => new DiffLine(secret, null, DiffLine.Given)),
        ];
        var kind =
            found is null ? ChangeKind.Make
            : lines.Length > 0 ? ChangeKind.Replace
            : ChangeKind.None;
        return new(kind, tenant, name, path, written, found is null ? "*" : found.Tag, lines);
    }

    private async Task<IEnumerable<Change>> SurplusAsync(NounForm noun, string? tenant, IReadOnlyDictionary<string, JsonObject> named)
    {
        var there = new List<string>();
        await foreach (var page in As(tenant).PagesAsync($"v1/{noun.Plural}?limit=500", call.Stop))
            there.AddRange(((JsonArray)page["data"]!).Select(static one => Cell.Text(one, "id")));

        // The sandbox and the tenant default are always there.
        return there
            .Where(id => !named.ContainsKey(id) && (noun.Plural, id) is not ("accounts", "sandbox") and not (Tenants, Default))
            .Select(id => new Change(
                ChangeKind.Delete,
                tenant,
                $"{noun.Plural}/{id}",
                Call.Path($"v1/{noun.Plural}/{{0}}", id),
                null,
                null,
                []
            ));
    }

    private async Task<Change> CompareBatchAsync(string tenant, string id, JsonObject written)
    {
        var path = Call.Path("v1/batches/{0}", id);
        var found = (await FindAsync(tenant, path))?.Body;
        JsonObject Configured(JsonNode? one) =>
            new() { ["suspended"] = Cell.Flag(one, "suspended"), ["weight"] = Math.Max(1, Cell.Number(one, "weight")) };
        DiffLine[] lines = [.. DiffLine.Between(Configured(found), Configured(written))];
        var kind =
            lines.Length == 0 ? ChangeKind.None
            : found is null ? ChangeKind.Make
            : ChangeKind.Replace;
        return new(kind, tenant, $"{ResourceFile.Batches}/{id}", path, written, null, lines);
    }

    private async Task<Change> CompareSuppressionAsync(string tenant, JsonObject entry)
    {
        var (address, domain) = (Cell.Text(entry, "address"), Cell.Text(entry, "domain"));
        var (who, query) =
            address.Length > 0
                ? (address, $"address={Uri.EscapeDataString(address)}")
                : ("@" + domain, $"domain={Uri.EscapeDataString(domain)}");
        var page = (JsonObject)await As(tenant).GetAsync($"v1/suppressions?{query}", call.Stop);
        var found = page["data"] is JsonArray { Count: > 0 } some ? (JsonObject)some[0]! : null;
        static JsonObject Configured(JsonObject? one) =>
            one is null
                ? []
                : new(
                    new[] { "reason", "expires_at" }
                        .Where(one.ContainsKey)
                        .Select(name => KeyValuePair.Create(name, one[name]?.DeepClone()))
                );
        DiffLine[] lines = [.. DiffLine.Between(Configured(found), Configured(entry))];
        var kind =
            lines.Length == 0 ? ChangeKind.None
            : found is null ? ChangeKind.Make
            : ChangeKind.Replace;
        return new(kind, tenant, $"{ResourceFile.Suppressions}/{who}", "v1/suppressions", entry, null, lines);
    }

    // A tenant that the same file makes is not there yet, nor is anything of it.
    private async Task<DaemonAnswer?> FindAsync(string? tenant, string path)
    {
        try
        {
            return await As(tenant).SendAsync(HttpMethod.Get, path, null, call.Stop);
        }
        catch (DaemonException error) when (error.Trouble == DaemonTrouble.NotFound)
        {
            return null;
        }
    }

    private DaemonClient As(string? tenant) => call.DaemonOf(tenant is Default ? null : tenant);
}
