using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage;

/// <summary>Refresh tokens that token endpoints gave instead of those that people had set (RFC 6749 section 6). Sealed.</summary>
public interface IRefreshTokens
{
    /// <summary>What stands now for the one that a person set; null: that one itself.</summary>
    Task<string?> FindAsync(AccountKey account, string given);

    /// <summary>Returns after the commit; nothing is kept of an account that is gone.</summary>
    /// <param name="given">The one that a person set.</param>
    /// <param name="now">The one that stands for it from now on.</param>
    Task SaveAsync(AccountKey account, string given, string now);

    /// <summary>
    /// Takes the turn to use an account's refresh token, of which two uses at once may count as a theft. This process may take it
    /// again. False: another node has it, lives, and has not had it for longer than such a use lasts.
    /// </summary>
    Task<bool> TryTakeTurnAsync(AccountKey account);

    /// <summary>Gives it back.</summary>
    Task EndTurnAsync(AccountKey account);
}
