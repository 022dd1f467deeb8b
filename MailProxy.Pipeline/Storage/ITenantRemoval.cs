namespace MailProxy.Pipeline.Storage;

/// <summary>
/// Takes away the finished messages, events and remembered requests of tenants that were deleted, so that a tenant made anew under the id
/// sees nothing of them.
/// </summary>
public interface ITenantRemoval
{
    /// <summary>
    /// Goes on with a tenant's removal for so many slices, each short enough not to make the store's writer late. True: nothing of it is
    /// left.
    /// </summary>
    Task<bool> RemoveAsync(string tenant, int slices);
}
