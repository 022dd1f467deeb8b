using System.Text.Json.Nodes;
using MailProxy.Daemon.Api;
using MailProxy.Pipeline.Accounts;

namespace MailProxy.Daemon.Genro;

/// <summary>The routes of genro-mail-proxy, version B.</summary>
internal sealed class GenroRoutes(
    GenroBodies bodies,
    GenroCommands commands,
    GenroOptions options,
    GenroSubmission submission,
    GenroMessages messages,
    GenroBatches batches,
    GenroAccounts accounts,
    GenroTenantRoutes tenants,
    GenroInstance instance,
    GenroCommandLog log,
    DispatcherControl dispatcher,
    MessageChanges changes,
    TimeProvider clock
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
        map.Get("/health", GenroWho.Public, GenroTenantIn.Token, KeyScopes.None, Health);
        map.Get("/status", GenroWho.AnyToken, GenroTenantIn.Token, KeyScopes.None, static _ => Now(GenroAnswer.Ok(("active", true))));
        map.Post("/commands/run-now", GenroWho.AnyToken, GenroTenantIn.Token, KeyScopes.Manage, RunNow);
        map.Post("/commands/suspend", GenroWho.Tenant, GenroTenantIn.Query, KeyScopes.Send, Suspend, changes: true);
        map.Post("/commands/activate", GenroWho.Tenant, GenroTenantIn.Query, KeyScopes.Send, Activate, changes: true);
        map.Post("/commands/add-messages", GenroWho.Tenant, GenroTenantIn.Body, KeyScopes.Send, submission.AddAsync);
        map.Post("/commands/delete-messages", GenroWho.Tenant, GenroTenantIn.Query, KeyScopes.Send, DeleteMessages);
        map.Post("/commands/cleanup-messages", GenroWho.Tenant, GenroTenantIn.Query, KeyScopes.Send, Cleanup);
        map.GetWritten("/messages", GenroWho.Tenant, GenroTenantIn.Query, KeyScopes.Read, messages.ListAsync);
        map.Post("/account", GenroWho.Tenant, GenroTenantIn.Body, KeyScopes.Manage, PutAccount, changes: true);
        map.Get("/accounts", GenroWho.Tenant, GenroTenantIn.Query, KeyScopes.Read, ListAccounts);
        map.Delete("/account/{account}", GenroWho.Tenant, GenroTenantIn.Query, KeyScopes.Manage, DeleteAccount, changes: true);
        tenants.Map(map);
        map.Get("/instance", GenroWho.Admin, GenroTenantIn.Token, KeyScopes.None, _ => instance.ShowAsync());
        map.Put("/instance", GenroWho.Admin, GenroTenantIn.Token, KeyScopes.None, PutInstance);
        map.Post("/instance/reload-bounce", GenroWho.Admin, GenroTenantIn.Token, KeyScopes.None, _ => instance.ReloadAsync());
        map.Get("/command-log", GenroWho.Admin, GenroTenantIn.Token, KeyScopes.None, log.ListAsync);
        map.Get("/command-log/export", GenroWho.Admin, GenroTenantIn.Token, KeyScopes.None, log.ExportAsync);
    }

    private static Task<IResult> Health(HttpContext http) => Now(new GenroAnswer(new() { ["status"] = "ok" }));

    // A tenant's own call reaches its application at once, empty or not; the operator's only what waits.
    private Task<IResult> RunNow(HttpContext http)
    {
        var caller = Caller.Of(http);
        if (caller.IsAdmin)
            dispatcher.RunNow();
        else
            dispatcher.ProbeNow(caller.Tenant);
        dispatcher.ReportNow(caller.IsAdmin ? null : caller.Tenant);
        return Now(GenroAnswer.Ok());
    }

    private Task<IResult> Suspend(HttpContext http) => Switch(http, "suspend", batches.SuspendAsync);

    private Task<IResult> Activate(HttpContext http) => Switch(http, "activate", batches.ActivateAsync);

    private Task<IResult> Switch(HttpContext http, string name, Func<HttpContext, string?, Task<IResult>> switched)
    {
        var caller = Caller.Of(http);
        var code = http.Request.Query["batch_code"] is [.., { Length: > 0 } given] ? given : null;
        if (code?.Length > 64)
        {
            GenroMistake mistake = new("string_too_long", ["query", "batch_code"], "String should have at most 64 characters", null);
            return Now(GenroRefusal.Invalid([mistake]));
        }

        var payload = new JsonObject { ["tenant_id"] = caller.Tenant };
        if (code is not null)
            payload["batch_code"] = code;
        return commands.RunAsync(http, name, caller.Tenant, payload, () => switched(http, code));
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
                () => messages.DeleteAsync(Caller.Of(http), new(body.Root))
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
        var named = reader.Text("tenant_id");
        if (reader.Mistakes.Count > 0)
            return GenroRefusal.Invalid(reader.Mistakes);
        if (GenroKeyCheck.Acting(http, options, named, out var caller) is { } other)
            return other;
        return await commands.RunAsync(
            http,
            "addAccount",
            caller.Tenant,
            GenroCommands.Payload(body.Root),
            () => accounts.PutAsync(http, caller, reader)
        );
    }

    private async Task<IResult> ListAccounts(HttpContext http) => await accounts.ListAsync(Caller.Of(http));

    private Task<IResult> DeleteAccount(HttpContext http)
    {
        var (caller, id) = (Caller.Of(http), (string)http.Request.RouteValues["account"]!);
        return commands.RunAsync(
            http,
            "deleteAccount",
            caller.Tenant,
            new() { ["id"] = id, ["tenant_id"] = caller.Tenant },
            () => accounts.DeleteAsync(http, caller, id, changes, clock)
        );
    }

    private async Task<IResult> PutInstance(HttpContext http)
    {
        using var body = await bodies.ReadAsync(http);
        return body.Refusal is { } refusal ? refusal : await instance.PutAsync(new(body.Root));
    }

    private static Task<IResult> Now(IResult answer) => Task.FromResult(answer);
}
