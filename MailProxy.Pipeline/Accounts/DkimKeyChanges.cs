namespace MailProxy.Pipeline.Accounts;

/// <summary>Changes of an account's DKIM keys. Pure; null: there is no key of that selector.</summary>
public static class DkimKeyChanges
{
    /// <summary>Signs with the key from now on; another of its domain and algorithm signs no more and is kept.</summary>
    public static SmtpAccount? Activated(SmtpAccount account, string selector)
    {
        if (Find(account, selector) is not { } chosen)
            return null;
        if (chosen.State == DkimState.Active)
            return account;
        ManagedDkimKey Next(ManagedDkimKey key) =>
            ReferenceEquals(key, chosen) ? key with { State = DkimState.Active }
            : key.State == DkimState.Active && IsAlike(key, chosen) ? key with { State = DkimState.Retired }
            : key;
        return account with { DkimKeys = [.. account.DkimKeys.Select(Next)] };
    }

    public static SmtpAccount? Without(SmtpAccount account, string selector) =>
        Find(account, selector) is { } gone
            ? account with
            {
                DkimKeys = [.. account.DkimKeys.Where(key => !ReferenceEquals(key, gone))],
            }
            : null;

    /// <summary>The account's key of a selector, in any case: DNS knows none.</summary>
    public static ManagedDkimKey? Find(SmtpAccount account, string selector) =>
        account.DkimKeys.FirstOrDefault(key => key.Key.Selector.Equals(selector, StringComparison.OrdinalIgnoreCase));

    private static bool IsAlike(ManagedDkimKey one, ManagedDkimKey other) =>
        one.Algorithm == other.Algorithm && one.Key.SigningDomain.Equals(other.Key.SigningDomain, StringComparison.OrdinalIgnoreCase);
}
