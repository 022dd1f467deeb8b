using MailProxy.Pipeline.Accounts;

namespace MailProxy.Daemon.Api;

/// <summary>Who asks, and for whom.</summary>
/// <param name="Actor">As the audit log names him: <c>admin</c>, or <c>key/&lt;tenant&gt;/&lt;id&gt;</c>.</param>
/// <param name="Tenant">The tenant that is acted on.</param>
/// <param name="IsAdmin">Holds the admin key, and so may name any tenant.</param>
/// <param name="Tenants">The tenants when the request came in.</param>
/// <param name="Key">The tenant's key; null: the admin key.</param>
internal sealed record Caller(string Actor, string Tenant, bool IsAdmin, TenantDirectory Tenants, TenantKey? Key = null)
{
    public static Caller Of(HttpContext http) =>
        http.Features.Get<Caller>() ?? throw new InvalidOperationException("The route was reached without a key.");

    /// <summary>Whether there is such a tenant, as far as this caller may know.</summary>
    public bool Knows(string tenant) => IsAdmin ? Tenants.Find(tenant) is not null : tenant == Tenant;
}
