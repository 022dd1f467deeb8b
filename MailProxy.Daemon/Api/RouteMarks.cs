using MailProxy.Pipeline.Accounts;

namespace MailProxy.Daemon.Api;

/// <summary>Marks a route that needs no key.</summary>
internal sealed class PublicRoute
{
    public static readonly PublicRoute Mark = new();
}

/// <summary>Marks a route whose key is checked by whoever mapped it, by rules of its own.</summary>
internal sealed class OwnKeyCheck
{
    public static readonly OwnKeyCheck Mark = new();
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

/// <summary>
/// What a tenant's key must be allowed to do to call a route. A route without this mark, like one that needs <see cref="KeyScopes.None"/>,
/// is for the admin key only.
/// </summary>
internal sealed record RouteScope(KeyScopes Needed)
{
    public static readonly RouteScope AdminOnly = new(KeyScopes.None);
}

/// <summary>Marks a route that changes what is configured, though it does not need <see cref="KeyScopes.Manage"/>.</summary>
internal sealed class ConfigurationChange
{
    public static readonly ConfigurationChange Mark = new();
}

/// <summary>Marks a route of one resource, which has an ETag and may be changed by it.</summary>
internal sealed class VersionedRoute
{
    public static readonly VersionedRoute Mark = new();
}

internal static class RouteMarkExtensions
{
    public static RouteHandlerBuilder Versioned(this RouteHandlerBuilder route) => route.WithMetadata(VersionedRoute.Mark);

    public static RouteHandlerBuilder Changes(this RouteHandlerBuilder route) => route.WithMetadata(ConfigurationChange.Mark);

    public static RouteHandlerBuilder Public(this RouteHandlerBuilder route) => route.WithMetadata(PublicRoute.Mark);

    /// <summary>A tenant's key with this scope may call it; the admin key always may.</summary>
    public static RouteHandlerBuilder Needs(this RouteHandlerBuilder route, KeyScopes scope) => route.WithMetadata(new RouteScope(scope));

    public static RouteHandlerBuilder AdminOnly(this RouteHandlerBuilder route) => route.WithMetadata(RouteScope.AdminOnly);

    public static RouteHandlerBuilder Query(this RouteHandlerBuilder route, params string[] names) =>
        route.WithMetadata(new QueryNames(names));
}
