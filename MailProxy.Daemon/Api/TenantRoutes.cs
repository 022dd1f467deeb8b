using System.Text.Json.Nodes;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Tenants;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Sharing;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Api;

/// <summary>Tenants, for the holder of the admin key.</summary>
internal sealed class TenantRoutes(
    ConfigurationWriter<Tenant> writer,
    ConfigurationBody bodies,
    WebhooksChanged webhooks,
    Wake wake,
    TenantShares shares,
    ITenantRemoval removal,
    ForgetContent forget,
    IRequestLog requests,
    OperatorLog told
) : ResourceRoutes<Tenant>(TenantFields.Noun, writer, bodies)
{
    // Some ten thousand messages; what is left goes on beside the mail.
    private const int Slices = 100;

    private static readonly ProblemAnswer StillRemoved = new(
        new(409, "tenant_being_removed", "Mail of a deleted tenant of this id is still being removed. Send it again when that is done."),
        5
    );

    private static readonly ProblemAnswer Default = ProblemAnswer.Of(409, "default_tenant", "The tenant default is always there.");

    public void Map(RouteGroupBuilder v1) =>
        Map(
            v1,
            "List tenants",
            "One tenant; secrets never come out",
            "Create or replace a tenant, all but its secrets",
            "Delete a tenant that has no unfinished mail, with all that is configured in it"
        );

    protected override string InUse =>
        "The tenant has unfinished mail, or links in mail to files in its volumes. Cancel the mail, or wait.";

    protected override ProblemAnswer? Undeletable(string id) => id == Tenant.DefaultId ? Default : null;

    protected override ValueTask<JsonObject> ShowAsync(HttpContext http, Tenant tenant)
    {
        var held = new JsonObject();
        foreach (var share in shares.Of(tenant.Id))
            held[share.Name] = TenantFields.Share.Show(share);
        return new(TenantFields.Noun.Fields.Show(tenant, new Dictionary<string, JsonNode?> { ["shares"] = held }));
    }

    // Within the turn, so that a new tenant finds nothing of an old one of its id.
    protected override async ValueTask<ProblemAnswer?> RefusalOfNewAsync(Caller caller, string id)
    {
        if (!await removal.RemoveAsync(id, Slices))
            return StillRemoved;
        forget(id);
        await requests.ForgetAsync(id);
        return null;
    }

    protected override async ValueTask ChangedAsync(Caller caller, Written<Tenant> written)
    {
        if (written.After?.Value is not { } tenant)
        {
            var id = written.Before!.Id;
            webhooks();
            forget(id);
            await requests.ForgetAsync(id);
            await removal.RemoveAsync(id, Slices);
            return;
        }

        if (tenant.Active != (written.Before?.Value?.Active ?? true))
            told.Switched(!tenant.Active, $"Sending of the tenant {tenant.Id}", caller.Actor);
        wake.Look();
    }
}
