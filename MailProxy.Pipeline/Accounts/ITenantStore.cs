using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Disk;

namespace MailProxy.Pipeline.Accounts;

/// <summary>Tenants. The implementation encrypts secrets; the tenant <c>default</c> always exists.</summary>
public interface ITenantStore
{
    /// <summary>All tenants by id, with decrypted secrets. Throws <see cref="StoreRefusedException"/> when that fails.</summary>
    Task<IReadOnlyList<Tenant>> TenantsAsync();

    /// <summary>Creates or replaces a tenant. True when it was created.</summary>
    Task<bool> PutTenantAsync(Tenant tenant, string actor);

    /// <summary>
    /// Deletes a tenant with everything configured in it; <c>ITenantRemoval</c> removes its finished messages. <see
    /// cref="DeleteResult.InUse"/>: it has unfinished mail, or links to files in its volumes that still work.
    /// </summary>
    Task<DeleteResult> DeleteTenantAsync(string id, string actor);
}
