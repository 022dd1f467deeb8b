using MailProxy.Pipeline.Accounts;

namespace MailProxy.Daemon.Api;

/// <summary>Stands between routing and the routes: key, tenant, and names of query parameters.</summary>
internal sealed class KeyCheck(RequestDelegate next, AdminKey key, CurrentTenants tenants)
{
    private static readonly ProblemAnswer Unauthorized = ProblemAnswer.Of(401, "unauthorized", "Send a valid key: Authorization: Bearer <key>, or X-API-Token.");
    private static readonly ProblemAnswer UnknownTenant = ProblemAnswer.Of(404, "unknown_tenant", "There is no such tenant.");

    public Task InvokeAsync(HttpContext http)
    {
        var endpoint = http.GetEndpoint();
        if (endpoint?.Metadata.GetMetadata<PublicRoute>() is not null) return next(http);
        if (endpoint is null && !http.Request.Path.StartsWithSegments("/v1")) return next(http);

        if (Offered(http.Request.Headers) is not { } offered || !key.Matches(offered))
        {
            http.Response.Headers.WWWAuthenticate = "Bearer realm=\"mailproxy\"";
            return Unauthorized.ExecuteAsync(http);
        }

        var named = http.Request.Headers["X-Tenant"];
        var caller = new Caller("admin", named is [{ } tenant] ? tenant : Tenant.DefaultId, IsAdmin: true, tenants.Directory);
        if (named.Count > 1 || !caller.Knows(caller.Tenant)) return UnknownTenant.ExecuteAsync(http);
        http.Features.Set(caller);

        if (endpoint is RouteEndpoint && http.Request.QueryString.HasValue && UnknownParameter(http, endpoint) is { } refusal) return refusal.ExecuteAsync(http);
        return next(http);
    }

    private static string? Offered(IHeaderDictionary headers)
    {
        const string Scheme = "Bearer ";
        return headers.Authorization is [{ } authorization]
            ? authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? authorization[Scheme.Length..].Trim() : null
            : headers["X-API-Token"] is [{ } token] ? token : null;
    }

    private static ProblemAnswer? UnknownParameter(HttpContext http, Endpoint endpoint)
    {
        var known = endpoint.Metadata.GetMetadata<QueryNames>() ?? QueryNames.None;
        foreach (var (name, values) in http.Request.Query)
        {
            if (!known.Names.Contains(name)) return Refuse("unknown_parameter", name, "is not known here");
            if (values.Count > 1) return Refuse("repeated_parameter", name, "is given more than once");
        }

        return null;

        static ProblemAnswer Refuse(string code, string name, string what) =>
            new(new(400, code, $"The query parameter '{Shown(name)}' {what}.", [new("/" + Shown(name), code, $"The parameter {what}.")]));
    }

    private static string Shown(string name) => name.Length <= 64 ? name : name[..64];
}
