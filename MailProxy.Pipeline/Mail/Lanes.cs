namespace MailProxy.Pipeline.Mail;

/// <summary>
/// The one place that says which lane mail waits in: each account has one with its own number, each pool one with its number negated.
/// </summary>
public static class Lanes
{
    /// <summary>The lane of mail that names this account.</summary>
    public static LaneKey Of(AccountKey account) => new(account.Number);

    /// <summary>The lane of mail that names this pool.</summary>
    public static LaneKey Of(PoolKey pool) => new(-pool.Number);

    /// <summary>The pool whose lane it is; null: it is an account's.</summary>
    public static PoolKey? PoolOf(LaneKey lane) => lane.Number < 0 ? new(-lane.Number) : null;

    /// <summary>The account whose lane it is, and by which its mail goes. Of a pool's lane: none that there is.</summary>
    public static AccountKey AccountOf(LaneKey lane) => new(lane.Number);
}
