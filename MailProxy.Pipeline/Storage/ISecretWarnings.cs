using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage;

/// <summary>What was told of the coming end of accounts' secrets.</summary>
public interface ISecretWarnings
{
    /// <summary>Appends the event and notes in the same transaction how far ahead it was told, unless that was told already.</summary>
    /// <param name="expiresAt">The end of the secret, Unix milliseconds: another one is told anew.</param>
    /// <param name="days">How far ahead, as one of the steps of telling; 0: it is over.</param>
    /// <returns>False: it was told before.</returns>
    Task<bool> TellAsync(string tenant, AccountKey account, long expiresAt, int days, byte[]? detail, long at);
}
