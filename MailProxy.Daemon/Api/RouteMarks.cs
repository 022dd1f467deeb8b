namespace MailProxy.Daemon.Api;

/// <summary>Marks a route that needs no key.</summary>
internal sealed class PublicRoute
{
    public static readonly PublicRoute Mark = new();
}

/// <summary>The query parameters that a route knows; any other is refused. A route without this mark knows none.</summary>
internal sealed record QueryNames(IReadOnlyList<string> Names)
{
    public static readonly QueryNames None = new([]);
}

/// <summary>Marks a route that takes an Idempotency-Key.</summary>
internal sealed class TakesIdempotencyKey
{
    public static readonly TakesIdempotencyKey Mark = new();
}

/// <summary>Who asks, and for whom. For now there is one: the holder of the admin key, acting on the tenant <c>default</c>.</summary>
internal sealed record Caller(string Actor, string Tenant)
{
    public const string DefaultTenant = "default";

    public static readonly Caller Admin = new("admin", DefaultTenant);

    /// <summary>Holds the admin key. For now everybody who may call does.</summary>
    public bool IsAdmin => true;

    public static Caller Of(HttpContext http) => http.Features.Get<Caller>() ?? throw new InvalidOperationException("The route was reached without a key.");
}

internal static class RouteMarkExtensions
{
    public static RouteHandlerBuilder Public(this RouteHandlerBuilder route) => route.WithMetadata(PublicRoute.Mark);

    public static RouteHandlerBuilder Query(this RouteHandlerBuilder route, params string[] names) => route.WithMetadata(new QueryNames(names));
}
