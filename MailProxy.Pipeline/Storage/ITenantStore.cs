using MailProxy.Pipeline.Accounts;

namespace MailProxy.Pipeline.Storage;

/// <summary>Tenants. Secrets are encrypted by the implementation; the tenant <c>default</c> is there from the start.</summary>
public interface ITenantStore
{
    /// <summary>All tenants, secrets decrypted, by id. Throws <see cref="StoreRefusedException"/> when a secret cannot be.</summary>
    Task<IReadOnlyList<Tenant>> TenantsAsync();

    /// <summary>Creates or replaces. True: created.</summary>
    Task<bool> PutTenantAsync(Tenant tenant, string actor);

    /// <summary>
    /// Deletes it with all that is configured in it; its finished messages go too, by <see cref="ITenantRemoval"/>. <see
    /// cref="DeleteResult.InUse"/>: it has unfinished mail, or links to files in its volumes that are still good.
    /// </summary>
    Task<DeleteResult> DeleteTenantAsync(string id, string actor);
}
