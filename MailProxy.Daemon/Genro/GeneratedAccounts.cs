using MailProxy.Pipeline.Accounts;

namespace MailProxy.Daemon.Genro;

/// <summary>SMTP accounts in version C.</summary>
internal sealed class GeneratedAccounts(GenroAccounts accounts, GenroTenants tenants)
{
    private const string Entity = "accounts/";

    private static readonly GeneratedParameter Account = GeneratedRoute.Text("account_id", required: true);

    public IEnumerable<GeneratedRoute> Routes =>
        [
            GeneratedRoute.Post(Entity + "add", "Make an account, or replace it", GenroWho.Tenant, KeyScopes.Manage, Add) with
            {
                Parameters =
                [
                    GeneratedRoute.Text("id", required: true),
                    GeneratedRoute.Tenant,
                    GeneratedRoute.Text("host", required: true),
                    GeneratedRoute.Whole("port", required: true),
                    GeneratedRoute.Text("user"),
                    GeneratedRoute.Text("password"),
                    GeneratedRoute.Flag("use_tls"),
                    GeneratedRoute.Whole("batch_size"),
                    GeneratedRoute.Whole("ttl"),
                    GeneratedRoute.Whole("limit_per_minute"),
                    GeneratedRoute.Whole("limit_per_hour"),
                    GeneratedRoute.Whole("limit_per_day"),
                    GeneratedRoute.Text("limit_behavior") with
                    {
                        Choices = ["defer", "reject"],
                    },
                ],
                Command = "addAccount",
                Changes = true,
            },
            GeneratedRoute.Post(
                Entity + "delete",
                "Delete an account; its mail that waits fails",
                GenroWho.Tenant,
                KeyScopes.Manage,
                Delete,
                GeneratedRoute.Tenant,
                Account
            ) with
            {
                Command = "deleteAccount",
                Changes = true,
            },
            GeneratedRoute.Get(Entity + "list", "The accounts of a tenant", GenroWho.Tenant, List, GeneratedRoute.Tenant),
            GeneratedRoute.Get(Entity + "get", "One account", GenroWho.Tenant, Get, GeneratedRoute.Tenant, Account),
        ];

    private async Task<IResult> Add(GeneratedCall call)
    {
        var tenant = call.Caller.Tenant;
        if (tenants.Find(tenant) is null)
            return GeneratedTenants.NotFound(tenant);
        var put = await accounts.PutAsync(call.Http, call.Caller, call.Body, GenroForm.C);
        return put is GenroAnswer ? new GenroAnswer(await accounts.FindAsync(tenant, call.Text("id")!, GenroForm.C)) : put;
    }

    // One that there is not is none afterwards, too.
    private async Task<IResult> Delete(GeneratedCall call) =>
        await accounts.DeleteAsync(call.Http, call.Caller, call.Text(Account.Name)!) is GenroRefusal { Status: not 400 } refusal
            ? refusal
            : new GenroAnswer(null);

    private async Task<IResult> List(GeneratedCall call) => await accounts.ListAsync(call.Caller, GenroForm.C);

    private async Task<IResult> Get(GeneratedCall call)
    {
        var (tenant, id) = (call.Caller.Tenant, call.Text(Account.Name)!);
        return await accounts.FindAsync(tenant, id, GenroForm.C) is { } shown
            ? new GenroAnswer(shown)
            : GenroRefusal.Text(404, $"Account '{id}' not found for tenant '{tenant}'");
    }
}
