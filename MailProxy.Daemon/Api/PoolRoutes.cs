using System.Text.Json;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Pools;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Sharing;

namespace MailProxy.Daemon.Api;

/// <summary>Pools of accounts. Changes act at once, on mail that waits too.</summary>
internal sealed class PoolRoutes(
    ConfigurationWriter<Pool> writer,
    CurrentAccounts accounts,
    ConfigurationBody bodies,
    DispatcherControl dispatcher,
    Wake wake,
    Quotas quotas
) : ResourceRoutes<Pool>(PoolFields.Noun, writer, bodies)
{
    private readonly ConfigurationWriter<Pool> _writer = writer;

    public void Map(RouteGroupBuilder v1) =>
        Map(
            v1,
            "List pools of SMTP accounts",
            "One pool of SMTP accounts",
            "Create or replace a pool of SMTP accounts",
            "Delete a pool that has no unfinished mail"
        );

    protected override string InUse => "The pool has unfinished mail. Cancel it, reroute it, or wait.";

    protected override ValueTask<JsonObject> ShowAsync(HttpContext http, Pool pool)
    {
        var wait = WaitReason.OfPool(dispatcher.Lane(Lanes.Of(pool.Key)));
        var given = new Dictionary<string, JsonNode?>
        {
            ["waiting_for"] = wait is null ? null : JsonSerializer.SerializeToNode(wait, ApiJson.Plain.WaitAnswer),
        };
        return new(PoolFields.Noun.Fields.Show(pool, given));
    }

    protected override Pool Bind(MemberReader members, HttpContext http, string id, Pool? existing)
    {
        var pool = base.Bind(members, http, id, existing);
        for (var i = 0; i < pool.Accounts.Count; i++)
        {
            var named = pool.Accounts[i].Account;
            if (named.Length > 0 && accounts.Directory.Find(pool.Tenant, named) is null)
            {
                var why = named == id ? "A pool has accounts, and no pools: not even itself." : $"There is no account '{named}'.";
                members.Fault($"accounts/{i}", "unknown_account", why);
            }
        }

        return pool;
    }

    protected override ValueTask<ProblemAnswer?> RefusalOfNewAsync(Caller caller, string id) =>
        new(
            Quotas.Refusal(
                caller,
                _writer.Snapshot.All.Count(pool => pool.Tenant == caller.Tenant),
                quotas.Options.MaxAccounts,
                "pools",
                nameof(TenantOptions.MaxAccounts)
            )
        );

    protected override ValueTask ChangedAsync(Caller caller, Written<Pool> written)
    {
        wake.Look();
        return default;
    }
}
