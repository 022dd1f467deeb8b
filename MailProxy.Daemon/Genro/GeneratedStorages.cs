using System.Text.Json.Nodes;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration.Volumes;

namespace MailProxy.Daemon.Genro;

/// <summary>Storages of version C, which are volumes here.</summary>
internal sealed class GeneratedStorages(GenroVolumes volumes, GenroTenants tenants)
{
    private const string Entity = "storages/";

    private static readonly GeneratedParameter Name = GeneratedRoute.Text("name", required: true);

    public IEnumerable<GeneratedRoute> Routes =>
        [
            GeneratedRoute.Post(
                Entity + "add",
                "Make a storage, or replace it",
                GenroWho.Tenant,
                KeyScopes.Manage,
                Add,
                GeneratedRoute.Tenant,
                Name,
                GeneratedRoute.Text("protocol", required: true),
                GeneratedRoute.Object("config")
            ) with
            {
                Changes = true,
            },
            GeneratedRoute.Post(
                Entity + "delete",
                "Delete a storage; its files stay",
                GenroWho.Tenant,
                KeyScopes.Manage,
                Delete,
                GeneratedRoute.Tenant,
                Name
            ) with
            {
                Changes = true,
            },
            GeneratedRoute.Get(Entity + "get", "One storage", GenroWho.Tenant, Get, GeneratedRoute.Tenant, Name),
            GeneratedRoute.Get(Entity + "list", "The storages of a tenant", GenroWho.Tenant, List, GeneratedRoute.Tenant),
        ];

    private async Task<IResult> Add(GeneratedCall call)
    {
        var tenant = call.Caller.Tenant;
        if (tenants.Find(tenant) is null)
            return GeneratedTenants.NotFound(tenant);
        var (protocol, config) = (call.Text("protocol"), call.Body.Object("config"));
        if (config is null)
            return GenroRefusal.Missing("body", "config");
        if (await volumes.PutAsync(call.Caller, call.Body, "protocol", protocol, config, account: null, call.Cancel) is { } refusal)
            return refusal;
        return await Get(call);
    }

    private async Task<IResult> Delete(GeneratedCall call)
    {
        var name = call.Text(Name.Name)!;
        var ended = await volumes.DeleteAsync(call.Caller, name, call.Cancel);
        if (ended is { Length: > 0 } why)
            return GenroRefusal.Text(409, why);
        var answer = new JsonObject
        {
            ["ok"] = ended is not null,
            ["tenant_id"] = call.Caller.Tenant,
            ["name"] = name,
        };
        return new GenroAnswer(answer);
    }

    private async Task<IResult> Get(GeneratedCall call)
    {
        var (tenant, name) = (call.Caller.Tenant, call.Text(Name.Name)!);
        return await volumes.FindAsync(tenant, name) is var (volume, kept)
            ? new GenroAnswer(Show(volume, kept))
            : GenroRefusal.Text(404, $"Storage '{name}' not found for tenant '{tenant}'");
    }

    private async Task<IResult> List(GeneratedCall call)
    {
        var list = new JsonArray();
        foreach (var (volume, kept) in await volumes.ListAsync(call.Caller.Tenant))
            list.Add((JsonNode)Show(volume, kept));
        return new GenroAnswer(list);
    }

    private static JsonObject Show(Volume volume, VolumeDocument? kept) =>
        new()
        {
            ["pk"] = volume.Id,
            ["tenant_id"] = volume.Tenant,
            ["name"] = volume.Id,
            ["protocol"] = volume.Config.Backend,
            ["config"] = kept?.Config.DeepClone() ?? VolumeDocument.Shown(volume.Config, "base_path"),
            ["created_at"] = kept is null ? null : GenroTimes.Iso(kept.CreatedAt),
            ["updated_at"] = kept is null ? null : GenroTimes.Iso(kept.UpdatedAt),
        };
}
