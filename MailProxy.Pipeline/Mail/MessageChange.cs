namespace MailProxy.Pipeline.Mail;

/// <summary>A change of a message that a person requests.</summary>
public abstract record MessageChange
{
    private MessageChange() { }

    /// <summary>The action's name in the audit log.</summary>
    public abstract string ActionName { get; }

    public sealed record Cancel : MessageChange
    {
        public override string ActionName => "message.cancel";
    }

    /// <summary>Tries now. Failed and expired messages are queued again, for the recipients that were not accepted.</summary>
    /// <param name="ExpiresAt">The new expiry of a message that had expired.</param>
    public sealed record Retry(long ExpiresAt) : MessageChange
    {
        public override string ActionName => "message.retry";
    }

    public sealed record Hold : MessageChange
    {
        public override string ActionName => "message.hold";
    }

    public sealed record Release : MessageChange
    {
        public override string ActionName => "message.release";
    }

    /// <param name="ExpiresAt">The new expiry; null: unchanged.</param>
    public sealed record Reschedule(long SendAt, long? ExpiresAt = null) : MessageChange
    {
        public override string ActionName => "message.reschedule";
    }

    /// <summary>Waits in another lane, for another account or pool.</summary>
    /// <param name="Pool">Null: it goes by the account.</param>
    /// <param name="NotBy">Ids of the pool's accounts that may not send from its From, with commas between; null: none.</param>
    /// <param name="Only">The one account of the pool that is left; null: there are several.</param>
    public sealed record Reroute(AccountKey Account, PoolKey? Pool, string? NotBy, AccountKey? Only = null) : MessageChange
    {
        public override string ActionName => "message.reroute";

        public LaneKey Lane =>
            Only is { } only ? Lanes.Of(only)
            : Pool is { } pool ? Lanes.Of(pool)
            : Lanes.Of(Account);
    }
}
