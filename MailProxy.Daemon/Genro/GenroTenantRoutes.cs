using System.Text.Json.Nodes;
using MailProxy.Daemon.Api;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Genro;

/// <summary>Tenants and their keys.</summary>
internal sealed class GenroTenantRoutes(
    GenroTenants tenants,
    GenroBodies bodies,
    GenroCommands commands,
    IDeliveryLog log,
    TimeProvider clock
)
{
    private const int SyncInterval = 300;

    private static readonly GenroRefusal NotFound = GenroRefusal.Text(404, "tenant not found");

    public void Map(GenroMap map)
    {
        map.Post("/tenant", GenroWho.Admin, GenroTenantIn.Token, KeyScopes.None, Post);
        map.Get("/tenants", GenroWho.Admin, GenroTenantIn.Token, KeyScopes.None, List);
        map.Get("/tenants/sync-status", GenroWho.Admin, GenroTenantIn.Token, KeyScopes.None, SyncStatus);
        map.Get("/tenant/{id}", GenroWho.Tenant, GenroTenantIn.Path, KeyScopes.Read, Get);
        map.Put("/tenant/{id}", GenroWho.Tenant, GenroTenantIn.Path, KeyScopes.Manage, Put, changes: true);
        map.Delete("/tenant/{id}", GenroWho.Admin, GenroTenantIn.Path, KeyScopes.None, Delete);
        map.Post("/tenant/{id}/api-key", GenroWho.Admin, GenroTenantIn.Path, KeyScopes.None, NewKey);
        map.Delete("/tenant/{id}/api-key", GenroWho.Admin, GenroTenantIn.Path, KeyScopes.None, EndKey);
    }

    // What is omitted is null afterwards.
    private async Task<IResult> Post(HttpContext http)
    {
        using var body = await bodies.ReadAsync(http);
        if (body.Refusal is { } refusal)
            return refusal;
        var reader = new GenroReader(body.Root);
        var (id, document) = TenantDocument.ReadNew(reader);
        return await commands.RunAsync(http, "addTenant", id, GenroCommands.Payload(body.Root), AddAsync);

        async Task<IResult> AddAsync()
        {
            if (reader.Mistakes.Count > 0)
                return GenroRefusal.Invalid(reader.Mistakes);
            var caller = Caller.Of(http);
            var (refused, created) = await tenants.PutAsync(caller, id!, document, http.RequestAborted);
            if (refused is not null)
                return refused;
            return created
                ? GenroAnswer.Ok(("api_key", await tenants.NewKeyAsync(caller, id!, expiresAt: null, http.RequestAborted)))
                : GenroAnswer.Ok();
        }
    }

    private async Task<IResult> List(HttpContext http)
    {
        var activeOnly = false;
        if (http.Request.Query["active_only"] is [.., { } text])
        {
            if (GenroReader.Word(text) is not { } flag)
            {
                GenroMistake mistake = new("bool_parsing", ["query", "active_only"], "Input should be a valid boolean", null);
                return GenroRefusal.Invalid([mistake]);
            }

            activeOnly = flag;
        }

        var list = new JsonArray();
        foreach (var tenant in tenants.All)
        {
            var document = await tenants.DocumentAsync(tenant);
            if (document.IsActive || !activeOnly)
                list.Add((JsonNode)document.Show(tenant.Id));
        }

        return GenroAnswer.Ok(("tenants", list));
    }

    private async Task<IResult> SyncStatus(HttpContext http) => await SyncStatusAsync(null, GenroForm.B);

    /// <summary>When each tenant's application was called, and whether it is to be.</summary>
    /// <param name="only">Of this tenant; null: of all.</param>
    public async Task<GenroAnswer> SyncStatusAsync(string? only, GenroForm form)
    {
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        var list = new JsonArray();
        foreach (var tenant in tenants.All.Where(tenant => only is null || tenant.Id == only))
        {
            var document = await tenants.DocumentAsync(tenant);
            var progress = await log.ProgressAsync(tenant.Id, GenroTenants.Own);
            var (called, quiet) = (progress?.CalledAt, progress?.QuietUntil);
            var one = new JsonObject { ["id"] = tenant.Id };
            Add(one, "name", document.Name, form);
            one["active"] = document.IsActive;
            Add(one, "client_base_url", document.BaseUrl, form);
            Add(one, "last_sync_ts", called / 1000.0, form);
            one["next_sync_due"] = (called is null || now - called >= SyncInterval * 1000) && !(quiet > now);
            one["in_dnd"] = quiet > now;
            list.Add((JsonNode)one);
        }

        return GenroAnswer.Ok(("tenants", list), ("sync_interval_seconds", SyncInterval));
    }

    private static void Add(JsonObject one, string name, JsonNode? value, GenroForm form)
    {
        if (value is not null || form.IsBare)
            one[name] = value;
    }

    private async Task<IResult> Get(HttpContext http) =>
        tenants.Find(IdOf(http)) is { } tenant ? new GenroAnswer((await tenants.DocumentAsync(tenant)).Show(tenant.Id)) : NotFound;

    // Nulls leave what is there.
    private async Task<IResult> Put(HttpContext http)
    {
        var id = IdOf(http);
        using var body = await bodies.ReadAsync(http);
        if (body.Refusal is { } refusal)
            return refusal;
        return await commands.RunAsync(http, "updateTenant", id, GenroCommands.Payload(body.Root), UpdateAsync);

        async Task<IResult> UpdateAsync()
        {
            if (tenants.Find(id) is not { } tenant)
                return NotFound;
            var reader = new GenroReader(body.Root);
            var document = TenantDocument.Read(reader, await tenants.DocumentAsync(tenant));
            if (reader.Mistakes.Count > 0)
                return GenroRefusal.Invalid(reader.Mistakes);
            return (await tenants.PutAsync(Caller.Of(http), id, document, http.RequestAborted)).Refusal ?? (IResult)GenroAnswer.Ok();
        }
    }

    private Task<IResult> Delete(HttpContext http)
    {
        var id = IdOf(http);
        return commands.RunAsync(
            http,
            "deleteTenant",
            id,
            new() { ["id"] = id },
            async () => await tenants.DeleteAsync(Caller.Of(http), id, http.RequestAborted) ?? (IResult)GenroAnswer.Ok()
        );
    }

    private async Task<IResult> NewKey(HttpContext http)
    {
        using var body = await bodies.ReadAsync(http, optional: true);
        if (body.Refusal is { } refusal)
            return refusal;
        var reader = new GenroReader(body.Root);
        var expires = reader.Whole("expires_at");
        if (expires is null && http.Request.Query["expires_at"] is [.., { Length: > 0 } text])
            expires = long.TryParse(text, out var read) ? read : null;
        if (reader.Mistakes.Count > 0)
            return GenroRefusal.Invalid(reader.Mistakes);
        if (tenants.Find(IdOf(http)) is null)
            return NotFound;
        var key = await tenants.NewKeyAsync(Caller.Of(http), IdOf(http), expires * 1000, http.RequestAborted);
        return GenroAnswer.Ok(("api_key", key));
    }

    private async Task<IResult> EndKey(HttpContext http)
    {
        if (tenants.Find(IdOf(http)) is null)
            return NotFound;
        await tenants.EndKeyAsync(Caller.Of(http), IdOf(http), http.RequestAborted);
        return GenroAnswer.Ok();
    }

    private static string IdOf(HttpContext http) => (string)http.Request.RouteValues["id"]!;
}
