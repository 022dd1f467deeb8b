namespace MailProxy.Pipeline.Storage;

/// <summary>
/// Removes the finished messages, events and idempotency keys of deleted tenants, so that a new tenant with the same id sees nothing of
/// them.
/// </summary>
public interface ITenantRemoval
{
    /// <summary>
    /// Continues a tenant's removal for a number of slices, each short enough not to delay the store's writer. True when nothing is left.
    /// </summary>
    Task<bool> RemoveAsync(string tenant, int slices);
}
