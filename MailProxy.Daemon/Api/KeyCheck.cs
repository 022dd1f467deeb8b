using MailProxy.Pipeline.Accounts;

namespace MailProxy.Daemon.Api;

/// <summary>Stands between routing and the routes: key, tenant, scope, and names of query parameters.</summary>
internal sealed class KeyCheck(
    RequestDelegate next,
    AdminKey admin,
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
    private static readonly ProblemAnswer WrongAddress = ProblemAnswer.Of(
        403,
        "address_not_allowed",
        "The key may not be used from this address."
    );
    private static readonly ProblemAnswer AdminOnly = ProblemAnswer.Of(403, "admin_only", "Only the admin key may do this.");
    private static readonly ProblemAnswer UnknownTenant = ProblemAnswer.Of(404, "unknown_tenant", "There is no such tenant.");

    public Task InvokeAsync(HttpContext http)
    {
        var endpoint = http.GetEndpoint();
        if (endpoint?.Metadata.GetMetadata<PublicRoute>() is not null || endpoint?.Metadata.GetMetadata<OwnKeyCheck>() is not null)
            return next(http);

        // No route, or none with this method (405): outside /v1 there is nothing that a key protects.
        if (endpoint is not RouteEndpoint && !http.Request.Path.StartsWithSegments("/v1"))
            return next(http);

        var (caller, refusal) = Identify(http, endpoint);
        if (caller is not null)
            http.Features.Set(caller);
        if (refusal is { Problem.Status: 401 })
            KeyLife.Challenge(http);
        if (refusal is null && endpoint is RouteEndpoint && http.Request.QueryString.HasValue)
            refusal = UnknownParameter(http, endpoint);
        if (refusal is null && IsChange(http, endpoint))
            refusal = quotas.ChangeTooMany(caller!);
        if (refusal is not null)
            return refusal.ExecuteAsync(http);
        return requests.TryTake(caller!) is { } place ? RunAsync(http, place) : Refusals.NoCapacity.ExecuteAsync(http);
    }

    private async Task RunAsync(HttpContext http, IDisposable place)
    {
        using (place)
            await next(http);
    }

    private (Caller? Caller, ProblemAnswer? Refusal) Identify(HttpContext http, Endpoint? endpoint)
    {
        if (Offered(http.Request.Headers) is not { } offered)
            return (null, KeyLife.Unauthorized);
        var hash = TenantKey.HashOf(offered);
        var named = http.Request.Headers["X-Tenant"];
        if (admin.Matches(hash))
        {
            var caller = new Caller("admin", named is [{ } tenant] ? tenant : Tenant.DefaultId, IsAdmin: true, tenants.Directory);
            return named.Count > 1 || !caller.Knows(caller.Tenant) ? (null, UnknownTenant) : (caller, null);
        }

        if (keys.Directory.Find(hash) is not { } key)
            return Refuse(http, RefusedKeys.Unknown, KeyLife.Unauthorized);
        var holder = new Caller($"key/{key.Tenant}/{key.Id}", key.Tenant, IsAdmin: false, tenants.Directory, key);
        if (Fault(http, endpoint, key, named) is { } fault)
        {
            http.Features.Set(holder); // whose refused request it was; the route is not reached
            return Refuse(http, holder.Actor, fault);
        }

        uses.Note(key);
        return (holder, null);
    }

    private ProblemAnswer? Fault(HttpContext http, Endpoint? endpoint, TenantKey key, IReadOnlyList<string?> named)
    {
        if (life.Fault(key) is { } over)
            return over;
        if (key.AllowedNetworks.Count > 0 && !key.AllowsFrom(remote.Of(http)))
            return WrongAddress;
        if (named.Count > 1 || (named.Count == 1 && named[0] != key.Tenant))
            return UnknownTenant;
        if (endpoint is not RouteEndpoint)
            return null; // no route, or none with this method: there is nothing to protect

        // A route that does not say what it needs is the admin's.
        var needed = (endpoint.Metadata.GetMetadata<RouteScope>() ?? RouteScope.AdminOnly).Needed;
        if (needed == KeyScopes.None)
            return AdminOnly;
        return key.Scopes.HasFlag(needed)
            ? null
            : ProblemAnswer.Of(403, "insufficient_scope", $"The key needs the scope {needed.Names()[0]}.");
    }

    private (Caller?, ProblemAnswer) Refuse(HttpContext http, string actor, ProblemAnswer refusal)
    {
        refused.Note(http, actor, refusal.Problem.Code);
        return (null, refusal);
    }

    // Each leaves rows that stay: tombstones, the audit log.
    private static bool IsChange(HttpContext http, Endpoint? endpoint) =>
        endpoint is RouteEndpoint route
        && !HttpMethods.IsGet(http.Request.Method)
        && !HttpMethods.IsHead(http.Request.Method)
        && (
            route.Metadata.GetMetadata<RouteScope>()?.Needed == KeyScopes.Manage
            || route.Metadata.GetMetadata<ConfigurationChange>() is not null
        );

    private static string? Offered(IHeaderDictionary headers)
    {
        const string Scheme = "Bearer ";
        return headers.Authorization is [{ } authorization]
            ? authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
                ? authorization[Scheme.Length..].Trim()
                : null
            : headers["X-API-Token"] is [{ } token]
                ? token
                : null;
    }

    private static ProblemAnswer? UnknownParameter(HttpContext http, Endpoint endpoint)
    {
        var known = endpoint.Metadata.GetMetadata<QueryNames>() ?? QueryNames.None;
        foreach (var (name, values) in http.Request.Query)
        {
            if (!known.Names.Contains(name))
                return Refuse("unknown_parameter", name, "is not known here");
            if (values.Count > 1)
                return Refuse("repeated_parameter", name, "is given more than once");
        }

        return null;

        static ProblemAnswer Refuse(string code, string name, string what) =>
            new(new(400, code, $"The query parameter '{Shown(name)}' {what}.", [new("/" + Shown(name), code, $"The parameter {what}.")]));
    }

    private static string Shown(string name) => name.Length <= 64 ? name : name[..64];
}
