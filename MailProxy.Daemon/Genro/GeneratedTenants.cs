using System.Text.Json.Nodes;
using MailProxy.Pipeline.Accounts;

namespace MailProxy.Daemon.Genro;

/// <summary>Tenants in version C.</summary>
internal sealed class GeneratedTenants(GenroTenants tenants, GenroBatches batches)
{
    private const string Entity = "tenants/";

    // What is there and null when it was not given.
    private static readonly string[] Nullable =
    [
        "name",
        "client_auth",
        "client_base_url",
        "client_sync_path",
        "client_attachment_path",
        "rate_limits",
        "large_file_config",
    ];

    private static readonly GeneratedParameter Batch = GeneratedRoute.Text("batch_code");

    private static readonly GeneratedParameter[] Members =
    [
        GeneratedRoute.Text("name"),
        GeneratedRoute.Object("client_auth"),
        GeneratedRoute.Text("client_base_url"),
        GeneratedRoute.Text("client_sync_path"),
        GeneratedRoute.Text("client_attachment_path"),
        GeneratedRoute.Object("rate_limits"),
        GeneratedRoute.Object("large_file_config"),
        GeneratedRoute.Flag("active"),
    ];

    public IEnumerable<GeneratedRoute> Routes =>
        [
            Post("add", "Make a tenant, or replace what is said of it", GenroWho.Admin, Add) with
            {
                Parameters = [GeneratedRoute.Text("id", required: true), .. Members],
                Command = "addTenant",
            },
            Post("update", "Change what is given", GenroWho.Tenant, Update) with
            {
                Parameters = [GeneratedRoute.Tenant, .. Members],
                Command = "updateTenant",
                Changes = true,
            },
            Post("delete", "Delete a tenant with all that there is of it", GenroWho.Admin, Delete, GeneratedRoute.NamedTenant) with
            {
                Command = "deleteTenant",
            },
            Post("suspend_batch", "Let a batch's mail wait, or all of it", GenroWho.Tenant, Suspend, GeneratedRoute.Tenant, Batch) with
            {
                Scope = KeyScopes.Send,
                Command = "suspend",
                Changes = true,
            },
            Post("activate_batch", "Let it go on", GenroWho.Tenant, Activate, GeneratedRoute.Tenant, Batch) with
            {
                Scope = KeyScopes.Send,
                Command = "activate",
                Changes = true,
            },
            Post(
                "create_api_key",
                "A new key; the one before ends",
                GenroWho.Admin,
                NewKey,
                GeneratedRoute.NamedTenant,
                GeneratedRoute.Whole("expires_at")
            ),
            Post("revoke_api_key", "End a tenant's key", GenroWho.Admin, EndKey, GeneratedRoute.NamedTenant),
            GeneratedRoute.Get(Entity + "list", "All tenants", GenroWho.AnyToken, List, GeneratedRoute.Flag("active_only")),
            GeneratedRoute.Get(Entity + "get", "One tenant", GenroWho.Tenant, Get, GeneratedRoute.Tenant),
            GeneratedRoute.Get(
                Entity + "get_suspended_batches",
                "Batches whose mail waits",
                GenroWho.Tenant,
                Suspended,
                GeneratedRoute.Tenant
            ),
        ];

    public static GenroRefusal NotFound(string id) => GenroRefusal.Text(404, $"Tenant '{id}' not found");

    /// <summary>Why a batch, or all of a tenant's mail, cannot wait or go on; null: it does.</summary>
    public async Task<GenroRefusal?> SwitchAsync(GeneratedCall call, bool suspend)
    {
        var (tenant, code) = (call.Caller.Tenant, call.Text("batch_code"));
        if (tenants.Find(tenant) is not { } there)
            return NotFound(tenant);
        if (code?.Length > GenroBatches.LongestCode)
            return GenroRefusal.Wrong("string_too_long", "String should have at most 64 characters", "body", "batch_code");
        code = code is { Length: > 0 } ? code : null;
        if (suspend)
            return await batches.SuspendAsync(call.Caller, code, call.Cancel);
        return code is not null && !there.Active
            ? GenroRefusal.Text(400, "Cannot remove single batch when all suspended. Use activate_batch(None) first.")
            : await batches.ActivateAsync(call.Caller, code, call.Cancel);
    }

    public async Task<GenroAnswer> SuspendedAsync(string tenant) =>
        GenroAnswer.Ok(("tenant_id", tenant), ("suspended_batches", new JsonArray([.. await batches.SuspendedAsync(tenant)])));

    private static GeneratedRoute Post(
        string method,
        string summary,
        GenroWho who,
        Func<GeneratedCall, Task<IResult>> run,
        params GeneratedParameter[] parameters
    ) => GeneratedRoute.Post(Entity + method, summary, who, KeyScopes.Manage, run, parameters);

    private async Task<IResult> Add(GeneratedCall call)
    {
        var (id, document) = TenantDocument.ReadNew(call.Body);
        if (call.Body.Mistakes.Count > 0)
            return GenroRefusal.Invalid(call.Body.Mistakes);
        var (refused, created) = await tenants.PutAsync(call.Caller, id!, document, call.Cancel);
        if (refused is not null)
            return refused;
        var shown = await ShowAsync(tenants.Find(id!)!);
        if (created)
            shown["api_key"] = await tenants.NewKeyAsync(call.Caller, id!, expiresAt: null, call.Cancel);
        return new GenroAnswer(shown);
    }

    // Nulls leave what is there.
    private async Task<IResult> Update(GeneratedCall call)
    {
        var id = call.Caller.Tenant;
        if (tenants.Find(id) is not { } tenant)
            return NotFound(id);
        var document = TenantDocument.Read(call.Body, await tenants.DocumentAsync(tenant));
        if (call.Body.Mistakes.Count > 0)
            return GenroRefusal.Invalid(call.Body.Mistakes);
        return (await tenants.PutAsync(call.Caller, id, document, call.Cancel)).Refusal
            ?? (IResult)new GenroAnswer(await ShowAsync(tenants.Find(id) ?? tenant));
    }

    private async Task<IResult> Delete(GeneratedCall call)
    {
        var id = call.Text(GeneratedRoute.TenantName)!;
        return tenants.Find(id) is null
            ? new GenroAnswer(false)
            : await tenants.DeleteAsync(call.Caller, id, call.Cancel) ?? (IResult)new GenroAnswer(true);
    }

    private async Task<IResult> Suspend(GeneratedCall call) =>
        await SwitchAsync(call, suspend: true) ?? (IResult)await SuspendedAsync(call.Caller.Tenant);

    private async Task<IResult> Activate(GeneratedCall call) =>
        await SwitchAsync(call, suspend: false) ?? (IResult)await SuspendedAsync(call.Caller.Tenant);

    private async Task<IResult> NewKey(GeneratedCall call)
    {
        var id = call.Text(GeneratedRoute.TenantName)!;
        if (tenants.Find(id) is null)
            return NotFound(id);
        var key = await tenants.NewKeyAsync(call.Caller, id, call.Whole("expires_at") * 1000, call.Cancel);
        return GenroAnswer.Ok(("tenant_id", id), ("api_key", key), ("message", "Save this API key: it is not shown again."));
    }

    private async Task<IResult> EndKey(GeneratedCall call)
    {
        var id = call.Text(GeneratedRoute.TenantName)!;
        if (tenants.Find(id) is null)
            return NotFound(id);
        await tenants.EndKeyAsync(call.Caller, id, call.Cancel);
        return GenroAnswer.Ok(("tenant_id", id), ("message", "API key revoked"));
    }

    private async Task<IResult> List(GeneratedCall call)
    {
        var list = new JsonArray();
        foreach (var tenant in tenants.All.Where(tenant => call.Caller.IsAdmin || tenant.Id == call.Caller.Tenant))
        {
            var shown = await ShowAsync(tenant);
            if (!call.Flag("active_only") || shown["active"]!.GetValue<bool>())
                list.Add((JsonNode)shown);
        }

        return new GenroAnswer(list);
    }

    private async Task<IResult> Get(GeneratedCall call) =>
        tenants.Find(call.Caller.Tenant) is { } tenant ? new GenroAnswer(await ShowAsync(tenant)) : NotFound(call.Caller.Tenant);

    private async Task<IResult> Suspended(GeneratedCall call) =>
        tenants.Find(call.Caller.Tenant) is null ? NotFound(call.Caller.Tenant) : await SuspendedAsync(call.Caller.Tenant);

    private async Task<JsonObject> ShowAsync(Tenant tenant)
    {
        var shown = (await tenants.DocumentAsync(tenant)).Show(tenant.Id);
        foreach (var name in Nullable.Where(name => !shown.ContainsKey(name)))
            shown[name] = null;
        var codes = await batches.SuspendedAsync(tenant.Id);
        shown["suspended_batches"] = string.Join(',', codes.Select(static one => (string?)one)) is { Length: > 0 } text ? text : null;
        shown["api_key_expires_at"] = tenants.KeyExpiry(tenant.Id);
        return shown;
    }
}
