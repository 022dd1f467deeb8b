using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage;

/// <summary>
/// SMTP accounts and the few settings that people change while the daemon runs. Secrets are encrypted by the implementation.
/// </summary>
public interface IAccountStore
{
    /// <summary>All accounts, secrets decrypted. Throws <see cref="StoreRefusedException"/> when a secret cannot be.</summary>
    Task<IReadOnlyList<SmtpAccount>> AccountsAsync();

    /// <summary>Creates or replaces, all but Key, Version and Paused, which the store gives. True: created.</summary>
    Task<bool> PutAccountAsync(SmtpAccount account, string actor);

    Task<DeleteResult> DeleteAccountAsync(string tenant, string id, string actor);

    /// <summary>False: there is no such account.</summary>
    Task<bool> SetPausedAsync(string tenant, string id, bool paused, string actor);

    /// <summary>Whether the dispatcher was suspended by a person.</summary>
    Task<bool> SuspendedAsync();

    Task SetSuspendedAsync(bool suspended, string actor);

    /// <summary>The name of an account, deleted ones too.</summary>
    string? NameOf(AccountKey account);
}

public enum DeleteResult : byte
{
    Deleted = 0,
    NotFound = 1,

    /// <summary>It has unfinished mail.</summary>
    InUse = 2,
}
