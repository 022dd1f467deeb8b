using System.Text.Json.Nodes;
using MailProxy.Daemon.Api;
using MailProxy.Pipeline.Accounts;

namespace MailProxy.Daemon.Genro;

/// <summary>The routes of genro-mail-proxy. Those of versions A and B are mostly the same, and a request says which it means.</summary>
internal sealed class GenroRoutes(
    GenroBodies bodies,
    GenroCommands commands,
    GenroOptions options,
    GenroForms forms,
    GenroSubmission submission,
    GenroMessages messages,
    GenroBatches batches,
    GenroAccounts accounts,
    GenroTenants tenants,
    GenroTenantRoutes tenantRoutes,
    GenroVolumeRoutes volumes,
    GenroInstance instance,
    GenroCommandLog log,
    GeneratedRoutes generated,
    DispatcherControl dispatcher
)
{
    /// <summary>Where they stand: at the root until 0.7.6, below this since.</summary>
    public static readonly string[] Prefixes = ["", "/mailproxy/v1"];

    public void Map(IEndpointRouteBuilder app)
    {
        foreach (var prefix in Prefixes)
            Map(new GenroMap(app, prefix));
        new GenroMap(app, "/mailproxy").Get("/health", GenroWho.Public, GenroTenantIn.Token, KeyScopes.None, Health);
    }

    private void Map(GenroMap map)
    {
        var versions = options.Versions;
        map.Get("/health", GenroWho.Public, GenroTenantIn.Token, KeyScopes.None, Health);
        if ((versions & (GenroVersions.A | GenroVersions.B)) != 0)
            MapCommon(map, versions.HasFlag(GenroVersions.B));
        if (versions.HasFlag(GenroVersions.A))
            volumes.Map(map);
        if (versions.HasFlag(GenroVersions.B))
            MapB(map);
        if (versions.HasFlag(GenroVersions.C))
            generated.Map(map);
    }

    private void MapCommon(GenroMap map, bool withTenants)
    {
        var (query, body) = withTenants ? (GenroTenantIn.Query, GenroTenantIn.Body) : (GenroTenantIn.Default, GenroTenantIn.Default);
        map.Get("/status", GenroWho.AnyToken, GenroTenantIn.Token, KeyScopes.None, _ => Now(Status(withTenants)));
        map.Post("/commands/run-now", GenroWho.AnyToken, GenroTenantIn.Token, KeyScopes.Manage, RunNow);
        map.Post("/commands/suspend", GenroWho.Tenant, query, KeyScopes.Send, Suspend, changes: true);
        map.Post("/commands/activate", GenroWho.Tenant, query, KeyScopes.Send, Activate, changes: true);
        map.Post("/commands/add-messages", GenroWho.Tenant, body, KeyScopes.Send, submission.AddAsync);
        map.Post("/commands/delete-messages", GenroWho.Tenant, query, KeyScopes.Send, DeleteMessages);
        map.Post("/commands/cleanup-messages", GenroWho.Tenant, query, KeyScopes.Send, Cleanup);
        map.GetWritten("/messages", GenroWho.Tenant, query, KeyScopes.Read, http => messages.ListAsync(http, forms.Of(http)));
        map.Post("/account", GenroWho.Tenant, body, KeyScopes.Manage, PutAccount, changes: true);
        map.Get("/accounts", GenroWho.Tenant, query, KeyScopes.Read, ListAccounts);
        map.Delete("/account/{account}", GenroWho.Tenant, query, KeyScopes.Manage, DeleteAccount, changes: true);
    }

    private void MapB(GenroMap map)
    {
        tenantRoutes.Map(map);
        map.Get("/instance", GenroWho.Admin, GenroTenantIn.Token, KeyScopes.None, _ => instance.ShowAsync());
        map.Put("/instance", GenroWho.Admin, GenroTenantIn.Token, KeyScopes.None, PutInstance);
        map.Post("/instance/reload-bounce", GenroWho.Admin, GenroTenantIn.Token, KeyScopes.None, _ => instance.ReloadAsync());
        map.Get("/command-log", GenroWho.Admin, GenroTenantIn.Token, KeyScopes.None, log.ListAsync);
        map.Get("/command-log/export", GenroWho.Admin, GenroTenantIn.Token, KeyScopes.None, log.ExportAsync);
    }

    private static Task<IResult> Health(HttpContext http) => Now(new GenroAnswer(new JsonObject { ["status"] = "ok" }));

    // What version B says has in it what version A says.
    private static GenroAnswer Status(bool withTenants) => withTenants ? GenroAnswer.Ok(("active", true)) : GenroAnswer.Ok();

    // A tenant's own call reaches its application at once, empty or not; the operator's only what waits, but that of version A, which has
    // one application.
    private Task<IResult> RunNow(HttpContext http)
    {
        var caller = Caller.Of(http);
        if (caller.IsAdmin)
            dispatcher.RunNow();
        else
            dispatcher.ProbeNow(caller.Tenant);
        dispatcher.ReportNow(caller.IsAdmin ? null : caller.Tenant);
        if (caller.IsAdmin && options.DefaultTenant is { } tenant && forms.Of(caller, names: false) == GenroForm.A)
            dispatcher.ReportNow(tenant);
        return Now(GenroAnswer.Ok());
    }

    private Task<IResult> Suspend(HttpContext http) => Switch(http, "suspend", batches.SuspendAsync, reports: false);

    private Task<IResult> Activate(HttpContext http) => Switch(http, "activate", batches.ActivateAsync, reports: true);

    private Task<IResult> Switch(
        HttpContext http,
        string name,
        Func<Caller, string?, CancellationToken, Task<GenroRefusal?>> switched,
        bool reports
    )
    {
        var caller = Caller.Of(http);
        var payload = new JsonObject { ["tenant_id"] = caller.Tenant };
        if (forms.Of(http) == GenroForm.A)
            return commands.RunAsync(http, name, caller.Tenant, payload, SwitchReportsAsync);
        var code = http.Request.Query["batch_code"] is [.., { Length: > 0 } given] ? given : null;
        if (code?.Length > GenroBatches.LongestCode)
            return Now(GenroRefusal.Wrong("string_too_long", "String should have at most 64 characters", "query", "batch_code"));
        if (code is not null)
            payload["batch_code"] = code;
        return commands.RunAsync(
            http,
            name,
            caller.Tenant,
            payload,
            async () => await switched(caller, code, http.RequestAborted) ?? (IResult)await batches.AnswerAsync(http, code)
        );

        // Mail goes on: only what became of it is not told.
        async Task<IResult> SwitchReportsAsync()
        {
            await tenants.SetReportsAsync(caller, caller.Tenant, reports, http.RequestAborted);
            return GenroAnswer.Ok();
        }
    }

    private async Task<IResult> DeleteMessages(HttpContext http)
    {
        using var body = await bodies.ReadAsync(http);
        return body.Refusal is { } refusal
            ? refusal
            : await commands.RunAsync(
                http,
                "deleteMessages",
                Caller.Of(http).Tenant,
                GenroCommands.Payload(body.Root),
                () => messages.DeleteAsync(Caller.Of(http), new(body.Root), forms.Of(http))
            );
    }

    private async Task<IResult> Cleanup(HttpContext http)
    {
        using var body = await bodies.ReadAsync(http, optional: true);
        return body.Refusal is { } refusal
            ? refusal
            : await commands.RunAsync(
                http,
                "cleanupMessages",
                Caller.Of(http).Tenant,
                GenroCommands.Payload(body.Root),
                () => messages.CleanupAsync(http, new(body.Root))
            );
    }

    private async Task<IResult> PutAccount(HttpContext http)
    {
        using var body = await bodies.ReadAsync(http);
        if (body.Refusal is { } refusal)
            return refusal;
        var reader = new GenroReader(body.Root);
        var form = forms.Of(Caller.Of(http), reader.Find("tenant_id") is not null);
        var named = form.NamesTenants ? reader.Text("tenant_id") : null;
        if (reader.Mistakes.Count > 0)
            return GenroRefusal.Invalid(reader.Mistakes);
        if (GenroKeyCheck.Acting(http, options, named, out var caller) is { } other)
            return other;
        return await commands.RunAsync(
            http,
            "addAccount",
            caller.Tenant,
            GenroCommands.Payload(body.Root),
            () => accounts.PutAsync(http, caller, reader, form)
        );
    }

    private async Task<IResult> ListAccounts(HttpContext http) => await accounts.ListAsync(Caller.Of(http), forms.Of(http));

    private Task<IResult> DeleteAccount(HttpContext http)
    {
        var (caller, id) = (Caller.Of(http), (string)http.Request.RouteValues["account"]!);
        return commands.RunAsync(
            http,
            "deleteAccount",
            caller.Tenant,
            new() { ["id"] = id, ["tenant_id"] = caller.Tenant },
            () => accounts.DeleteAsync(http, caller, id)
        );
    }

    private async Task<IResult> PutInstance(HttpContext http)
    {
        using var body = await bodies.ReadAsync(http);
        return body.Refusal is { } refusal ? refusal : await instance.PutAsync(new(body.Root));
    }

    private static Task<IResult> Now(IResult answer) => Task.FromResult(answer);
}
