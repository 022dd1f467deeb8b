namespace MailProxy.Pipeline.Mail;

/// <summary>
/// The one place that says which lane an account's mail waits in, and which account a lane's mail goes by. Today each account has a lane of
/// its own with the account's number; numbers below 0 are free for lanes that several accounts serve.
/// </summary>
public static class Lanes
{
    /// <summary>The lane of mail that names this account.</summary>
    public static LaneKey Of(AccountKey account) => new(account.Number);

    /// <summary>The account that the lane's mail goes by.</summary>
    public static AccountKey AccountOf(LaneKey lane) => new(lane.Number);
}
