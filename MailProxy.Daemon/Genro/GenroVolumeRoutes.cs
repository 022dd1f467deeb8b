using System.Text.Json.Nodes;
using MailProxy.Daemon.Api;
using MailProxy.Pipeline.Accounts;

namespace MailProxy.Daemon.Genro;

/// <summary>The volumes of version A.</summary>
internal sealed class GenroVolumeRoutes(GenroVolumes volumes, GenroBodies bodies)
{
    public void Map(GenroMap map)
    {
        map.Post("/volume", GenroWho.Tenant, GenroTenantIn.Default, KeyScopes.Manage, Put, changes: true);
        map.Get("/volumes", GenroWho.Tenant, GenroTenantIn.Default, KeyScopes.Read, List);
        map.Get("/volume/{name}", GenroWho.Tenant, GenroTenantIn.Default, KeyScopes.Read, Get);
        map.Delete("/volume/{name}", GenroWho.Tenant, GenroTenantIn.Default, KeyScopes.Manage, Delete, changes: true);
    }

    private async Task<IResult> Put(HttpContext http)
    {
        using var body = await bodies.ReadAsync(http);
        return body.Refusal is { } refusal
            ? refusal
            : await volumes.PutAsync(Caller.Of(http), new(body.Root), http.RequestAborted) ?? (IResult)GenroAnswer.Ok();
    }

    // Those of an account, and those of all.
    private async Task<IResult> List(HttpContext http)
    {
        var account = AccountOf(http);
        var list = new JsonArray();
        foreach (var (volume, kept) in await volumes.ListAsync(Caller.Of(http).Tenant))
        {
            if (account is null || kept?.Account is null || kept.Account == account)
                list.Add((JsonNode)GenroVolumes.Show(volume, kept));
        }

        return GenroAnswer.Ok(("volumes", list));
    }

    private async Task<IResult> Get(HttpContext http) =>
        await FindAsync(http) is var (volume, kept) ? new GenroAnswer(GenroVolumes.Show(volume, kept)) : NotFound(http);

    private async Task<IResult> Delete(HttpContext http)
    {
        if (await FindAsync(http) is null)
            return NotFound(http);
        return await volumes.DeleteAsync(Caller.Of(http), NameOf(http), http.RequestAborted) switch
        {
            null => NotFound(http),
            "" => GenroAnswer.Ok(),
            var why => GenroRefusal.Text(409, why),
        };
    }

    // Another account's is none of this one.
    private async Task<(Pipeline.Configuration.Volumes.Volume, VolumeDocument?)?> FindAsync(HttpContext http) =>
        await volumes.FindAsync(Caller.Of(http).Tenant, NameOf(http)) is var (volume, kept)
        && (AccountOf(http) is not { } account || kept?.Account is null || kept.Account == account)
            ? (volume, kept)
            : null;

    private static string? AccountOf(HttpContext http) => http.Request.Query["account_id"] is [.., { Length: > 0 } named] ? named : null;

    private static string NameOf(HttpContext http) => (string)http.Request.RouteValues["name"]!;

    private static GenroRefusal NotFound(HttpContext http) => GenroRefusal.Text(404, $"Volume '{NameOf(http)}' not found");
}
