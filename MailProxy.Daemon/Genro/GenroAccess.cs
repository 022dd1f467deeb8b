using MailProxy.Pipeline.Accounts;

namespace MailProxy.Daemon.Genro;

/// <summary>Who may call a route.</summary>
internal enum GenroWho
{
    /// <summary>Everybody.</summary>
    Public,

    /// <summary>Whoever has a valid token.</summary>
    AnyToken,

    /// <summary>The tenant that the request names, and the operator.</summary>
    Tenant,

    /// <summary>The operator.</summary>
    Admin,
}

/// <summary>Where a request names its tenant.</summary>
internal enum GenroTenantIn
{
    /// <summary>Nowhere: it is the token's.</summary>
    Token,

    /// <summary>In the query, as <c>tenant_id</c>.</summary>
    Query,

    /// <summary>In the path.</summary>
    Path,

    /// <summary>In the body, which the route reads.</summary>
    Body,

    /// <summary>Nowhere, though it is about one: it is the token's, or the default one.</summary>
    Default,
}

/// <summary>How a route is protected.</summary>
/// <param name="Scope">What a tenant's key needs that was made by this program's own API with fewer scopes.</param>
/// <param name="Changes">Counts as a change of what is configured.</param>
internal sealed record GenroAccess(GenroWho Who, GenroTenantIn TenantIn, KeyScopes Scope, bool Changes = false);
