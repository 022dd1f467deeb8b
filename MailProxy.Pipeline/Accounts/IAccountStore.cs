using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Accounts;

/// <summary>
/// SMTP accounts, and the few settings that people change while the daemon runs. The implementation encrypts secrets.
/// </summary>
public interface IAccountStore
{
    /// <summary>All accounts, with decrypted secrets. Throws <see cref="StoreRefusedException"/> when that fails.</summary>
    Task<IReadOnlyList<SmtpAccount>> AccountsAsync();

    /// <summary>Creates or replaces an account, except Key, Version and Paused, which the store sets. True when it was created.</summary>
    Task<bool> PutAccountAsync(SmtpAccount account, string actor);

    Task<DeleteResult> DeleteAccountAsync(string tenant, string id, string actor);

    /// <summary>False when there is no such account.</summary>
    Task<bool> SetPausedAsync(string tenant, string id, bool paused, string actor);

    /// <summary>Whether a person has suspended the dispatcher.</summary>
    Task<bool> SuspendedAsync();

    Task SetSuspendedAsync(bool suspended, string actor);

    /// <summary>The name of an account, even of a deleted one.</summary>
    string? NameOf(AccountKey account);
}
