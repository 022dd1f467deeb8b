using MailProxy.Daemon.Api;
using MailProxy.Pipeline.Accounts;

namespace MailProxy.Daemon.Genro;

/// <summary>Stands between routing and the routes of genro-mail-proxy: token, tenant, and the form of refusals.</summary>
internal sealed class GenroKeyCheck(
    RequestDelegate next,
    GenroOptions options,
    GenroToken admin,
    CurrentTenants tenants,
    CurrentKeys keys,
    KeyLife life,
    KeyUses uses,
    RefusedKeys refused,
    RemoteAddress remote,
    Quotas quotas,
    TenantRequests requests
)
{
    /// <summary>Who the audit log says it was.</summary>
    public const string Operator = "genro";

    private static readonly GenroRefusal Invalid = GenroRefusal.Text(401, "Invalid or missing API token");
    private static readonly GenroRefusal AdminRequired = GenroRefusal.Text(401, "Admin token required");
    private static readonly GenroRefusal AdminOnly = GenroRefusal.Text(403, "Admin token required");
    private static readonly GenroRefusal NoDefault = GenroRefusal.Invalid([
        new("missing", ["query", "tenant_id"], "The setting Genro:DefaultTenant must say which tenant is meant", null),
    ]);
    private static readonly GenroRefusal OtherTenant = GenroRefusal.Text(401, "Token not authorized for this tenant");

    public Task InvokeAsync(HttpContext http)
    {
        var endpoint = http.GetEndpoint();
        if (endpoint?.Metadata.GetMetadata<GenroAccess>() is not { } access)
        {
            // No route, or none with this method: outside /v1 whoever asks is a client of genro-mail-proxy.
            if (endpoint is not RouteEndpoint && !http.Request.Path.StartsWithSegments("/v1"))
                http.Features.Set<WriteProblem>(GenroRefusal.WriteAsync);
            return next(http);
        }

        http.Features.Set<WriteProblem>(GenroRefusal.WriteAsync);
        if (access.Who == GenroWho.Public)
            return next(http);
        var (caller, refusal) = Identify(http, access);
        if (refusal is not null)
            return refusal.ExecuteAsync(http);
        if (access.Changes && quotas.ChangeTooMany(caller!) is { } tooMany)
            return tooMany.ExecuteAsync(http);
        http.Features.Set(caller);
        return requests.TryTake(caller!) is { } place ? RunAsync(http, place) : Refusals.NoCapacity.ExecuteAsync(http);
    }

    /// <summary>The refusal of a request that names this tenant in its body; null: it may.</summary>
    /// <param name="named">Null: it names none.</param>
    /// <param name="caller">Who acts on that tenant.</param>
    public static GenroRefusal? Acting(HttpContext http, GenroOptions options, string? named, out Caller caller)
    {
        caller = Caller.Of(http);
        if (!caller.IsAdmin)
            return named is null || named == caller.Tenant ? null : OtherTenant;
        if ((named ?? options.DefaultTenant) is not { } tenant)
            return GenroRefusal.Missing("body", "tenant_id");
        caller = caller with { Tenant = tenant };
        http.Features.Set(caller);
        return null;
    }

    private async Task RunAsync(HttpContext http, IDisposable place)
    {
        using (place)
            await next(http);
    }

    private (Caller? Caller, GenroRefusal? Refusal) Identify(HttpContext http, GenroAccess access)
    {
        if (GenroToken.Offered(http.Request) is not { } hash)
            return (null, access.Who == GenroWho.Admin ? AdminRequired : Invalid);
        if (admin.Matches(hash))
            return ForOperator(http, access);
        if (keys.Directory.Find(hash) is not { } key)
            return Refuse(http, RefusedKeys.Unknown, "unauthorized", Invalid);
        var holder = new Caller($"key/{key.Tenant}/{key.Id}", key.Tenant, IsAdmin: false, tenants.Directory, key);
        if (life.Fault(key) is { } over)
            return Refuse(http, holder.Actor, over.Problem.Code, Invalid);
        if (key.AllowedNetworks.Count > 0 && !key.AllowsFrom(remote.Of(http)))
            return Refuse(http, holder.Actor, "address_not_allowed", Invalid);
        if (access.Who == GenroWho.Admin)
            return Refuse(http, holder.Actor, "admin_only", AdminOnly);
        if (!key.Scopes.HasFlag(access.Scope))
            return Refuse(http, holder.Actor, "insufficient_scope", GenroRefusal.Text(403, "The token may not do this."));
        if (Named(http, access) is { } named && named != key.Tenant)
            return Refuse(http, holder.Actor, "unknown_tenant", OtherTenant);
        uses.Note(key);
        return (holder, null);
    }

    private (Caller?, GenroRefusal?) ForOperator(HttpContext http, GenroAccess access)
    {
        var tenant = Named(http, access) ?? options.DefaultTenant;
        if (tenant is null && access is { Who: GenroWho.Tenant, TenantIn: GenroTenantIn.Query })
            return (null, GenroRefusal.Missing("query", "tenant_id"));
        if (tenant is null && access.TenantIn == GenroTenantIn.Default)
            return (null, NoDefault);
        return (new(Operator, tenant ?? Tenant.DefaultId, IsAdmin: true, tenants.Directory), null);
    }

    private static string? Named(HttpContext http, GenroAccess access) =>
        access.TenantIn switch
        {
            GenroTenantIn.Query => http.Request.Query["tenant_id"] is [.., { Length: > 0 } named] ? named : null,
            GenroTenantIn.Path => http.Request.RouteValues["id"] as string,
            _ => null,
        };

    private (Caller?, GenroRefusal) Refuse(HttpContext http, string actor, string code, GenroRefusal refusal)
    {
        refused.Note(http, actor, code);
        return (null, refusal);
    }
}
