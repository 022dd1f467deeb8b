using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Flow;

/// <summary>
/// Accounts of its pool that a mail passes over for now, because they have no room for the domains that it goes to. It travels with the
/// ticket, in memory only: who reads the mail from the disk again asks again.
/// </summary>
/// <param name="By">The account that it was to go by last.</param>
/// <param name="Accounts">Each, and until when (Unix milliseconds).</param>
/// <param name="Times">How often that has happened to it in a row.</param>
public sealed record PassedOver(AccountKey By, IReadOnlyList<(AccountKey Account, long Until)> Accounts, int Times)
{
    /// <summary>Until when the account is passed over; null: it is not.</summary>
    public long? Until(AccountKey account)
    {
        foreach (var (one, until) in Accounts)
        {
            if (one == account)
                return until;
        }

        return null;
    }

    /// <summary>Whether any account is passed over still.</summary>
    public bool Holds(long now) => Accounts.Any(one => one.Until > now);
}
