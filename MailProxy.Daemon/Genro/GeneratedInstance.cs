using System.Text.Json.Nodes;
using MailProxy.Daemon.Api;
using MailProxy.Pipeline.Accounts;

namespace MailProxy.Daemon.Genro;

/// <summary>The installation in version C.</summary>
internal sealed class GeneratedInstance(
    GenroInstance instance,
    GenroTenantRoutes status,
    GeneratedTenants tenants,
    DispatcherControl dispatcher
)
{
    private const string Entity = "instance/";

    private static readonly GeneratedParameter Batch = GeneratedRoute.Text("batch_code");

    public IEnumerable<GeneratedRoute> Routes =>
        [
            GeneratedRoute.Get(Entity + "health", "It answers", GenroWho.AnyToken, Health),
            GeneratedRoute.Get(Entity + "status", "It works", GenroWho.AnyToken, Status),
            GeneratedRoute.Get(Entity + "get", "What is said of the installation", GenroWho.AnyToken, _ => ShowAsync()),
            GeneratedRoute.Get(Entity + "get_sync_status", "When applications were called", GenroWho.AnyToken, SyncStatus),
            Post("run_now", "Call applications now", GenroWho.AnyToken, KeyScopes.Manage, RunNow, GeneratedRoute.Tenant),
            Post("suspend", "Let mail wait", GenroWho.Tenant, KeyScopes.Send, Suspend, GeneratedRoute.Tenant, Batch) with
            {
                Command = "suspend",
                Changes = true,
            },
            Post("activate", "Let it go on", GenroWho.Tenant, KeyScopes.Send, Activate, GeneratedRoute.Tenant, Batch) with
            {
                Command = "activate",
                Changes = true,
            },
            Post("update", "Change its name", GenroWho.Admin, KeyScopes.None, Update, GeneratedRoute.Text("name")),
        ];

    private static GeneratedRoute Post(
        string method,
        string summary,
        GenroWho who,
        KeyScopes scope,
        Func<GeneratedCall, Task<IResult>> run,
        params GeneratedParameter[] parameters
    ) => GeneratedRoute.Post(Entity + method, summary, who, scope, run, parameters);

    private static Task<IResult> Health(GeneratedCall call) => Now(new GenroAnswer(new JsonObject { ["status"] = "ok" }));

    private static Task<IResult> Status(GeneratedCall call) => Now(GenroAnswer.Ok(("active", true)));

    private async Task<IResult> ShowAsync()
    {
        var answer = GenroAnswer.Ok(("id", 1), ("name", await instance.NameAsync()), ("edition", "ee"));
        answer.Body!["api_token"] = null; // no secrets in answers
        return answer;
    }

    private async Task<IResult> SyncStatus(GeneratedCall call) =>
        await status.SyncStatusAsync(call.Caller.IsAdmin ? null : call.Caller.Tenant, GenroForm.C);

    // Who names a tenant means its application, which is called whatever there is to tell.
    private Task<IResult> RunNow(GeneratedCall call)
    {
        var tenant = call.Caller.IsAdmin ? call.Text(GeneratedRoute.TenantName) : call.Caller.Tenant;
        if (tenant is null)
            dispatcher.RunNow();
        else
            dispatcher.ProbeNow(tenant);
        dispatcher.ReportNow(tenant);
        return Now(GenroAnswer.Ok());
    }

    private Task<IResult> Suspend(GeneratedCall call) => SwitchAsync(call, suspend: true);

    private Task<IResult> Activate(GeneratedCall call) => SwitchAsync(call, suspend: false);

    // What cannot be is said in an answer.
    private async Task<IResult> SwitchAsync(GeneratedCall call, bool suspend)
    {
        if (await tenants.SwitchAsync(call, suspend) is not { } refusal)
            return await tenants.SuspendedAsync(call.Caller.Tenant);
        return refusal.Status is StatusCodes.Status404NotFound or StatusCodes.Status400BadRequest
            ? new GenroAnswer(new JsonObject { ["ok"] = false, ["error"] = refusal.Detail.DeepClone() })
            : refusal;
    }

    private async Task<IResult> Update(GeneratedCall call) =>
        call.Body.Has("api_token")
            ? GenroRefusal.Text(400, "The operator's token is the setting Genro:AdminToken")
            : await instance.PutAsync(call.Body);

    private static Task<IResult> Now(IResult answer) => Task.FromResult(answer);
}
