using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage;

/// <summary>What is stored of sending as a whole, beside mail and what is configured.</summary>
public interface ISendingStore
{
    /// <summary>Whether a person has suspended the dispatcher.</summary>
    Task<bool> SuspendedAsync();

    Task SetSuspendedAsync(bool suspended, string actor);

    /// <summary>The name of an account, even of a deleted one.</summary>
    string? NameOf(AccountKey account);

    /// <summary>Remembers the names of accounts before they are in force.</summary>
    void Learn(IEnumerable<SmtpAccount> accounts);
}
