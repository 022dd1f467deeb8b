namespace MailProxy.Pipeline.Accounts;

/// <summary>The tenants' keys; only their hashes are stored.</summary>
public interface IKeyStore
{
    /// <summary>All keys, by tenant and id, including expired ones.</summary>
    Task<IReadOnlyList<TenantKey>> KeysAsync();

    Task CreateKeyAsync(TenantKey key, string actor);

    /// <summary>False when there is no such key.</summary>
    Task<bool> DeleteKeyAsync(string tenant, string id, string actor);

    /// <summary>
    /// Records when the key was last used (Unix milliseconds). Writes no audit entry, and does nothing when the key was deleted.
    /// </summary>
    Task NoteUseAsync(string tenant, string id, long at);
}
