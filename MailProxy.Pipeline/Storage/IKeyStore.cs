using MailProxy.Pipeline.Accounts;

namespace MailProxy.Pipeline.Storage;

/// <summary>The tenants' keys; of each only its hash.</summary>
public interface IKeyStore
{
    /// <summary>All keys, by tenant and id, expired ones too.</summary>
    Task<IReadOnlyList<TenantKey>> KeysAsync();

    Task CreateKeyAsync(TenantKey key, string actor);

    /// <summary>False: there is no such key.</summary>
    Task<bool> DeleteKeyAsync(string tenant, string id, string actor);

    /// <summary>
    /// Notes that it was used at this time (Unix milliseconds). No row in the audit log, and nothing when the key is gone.
    /// </summary>
    Task NoteUseAsync(string tenant, string id, long at);
}
