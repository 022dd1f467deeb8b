using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Api;

/// <summary>Says why a message waits, the first gate it would meet, and what ends that. Pure.</summary>
internal static class WaitReason
{
    private const string Resend = "The last attempt ended without an answer, so the server may have taken the message or not.";

    /// <param name="account">Null: it does not exist any more.</param>
    public static WaitAnswer? Of(
        MessageView message,
        SmtpAccount? account,
        bool suspended,
        LaneWait? lane,
        long now,
        string? setAsideFor = null
    )
    {
        if (message.State.IsFinal())
            return null;
        foreach (var gate in All(message, account, suspended, lane is null ? [] : [lane], now, setAsideFor))
            return gate;
        return Turn;
    }

    /// <summary>Nothing holds it but those that go before it.</summary>
    public static WaitAnswer Turn => new("turn", null, "It goes as soon as its turn comes.");

    /// <summary>Everything that holds a message, in the order in which it meets it; empty: nothing does, or it is final.</summary>
    /// <param name="account">Null: it does not exist any more.</param>
    /// <param name="lane">What holds all mail of its lane.</param>
    public static IEnumerable<WaitAnswer> All(
        MessageView message,
        SmtpAccount? account,
        bool suspended,
        IReadOnlyList<LaneWait> lane,
        long now,
        string? setAsideFor
    )
    {
        if (message.State.IsFinal())
            yield break;
        if (message.State == MessageState.Sending)
        {
            yield return new("attempt", null, "An attempt is under way.");
            yield break;
        }

        if (message.State == MessageState.Held)
            yield return new("person", null, Held(message));
        if (message.BatchSuspended)
            yield return BatchSuspended(message.Batch);
        if (message.ForDestination && message.NextAttemptAt > now)
            yield return new("destination_limit", Times.Utc(message.NextAttemptAt), Destination(message, account));
        else if (message.NextAttemptAt > now)
        {
            yield return message.State == MessageState.Deferred
                ? new("retry", Times.Utc(message.NextAttemptAt), LastTrouble(message))
                : new("send_at", Times.Utc(message.NextAttemptAt), "Not before its send_at; reschedule moves it, retry sends it now.");
        }

        if (suspended)
            yield return Suspended;
        if (setAsideFor is not null)
            yield return new("attachments", null, setAsideFor);
        foreach (var gate in OfLane(account, lane))
            yield return gate;
    }

    /// <summary>Everything that holds the mail of a lane, but for the dispatcher.</summary>
    public static IEnumerable<WaitAnswer> OfLane(SmtpAccount? account, IReadOnlyList<LaneWait> lane)
    {
        if (account is { TenantSuspended: true })
            yield return TenantSuspended(account);
        if (account is { Paused: true })
            yield return AccountPaused(account);
        foreach (var wait in lane)
        {
            // What a person switched off is said above, with what switches it on again.
            var isSaid =
                wait.Reason is "dispatcher_suspended" || (account is not null && wait.Reason is "tenant_suspended" or "account_paused");
            if (!isSaid && Of(wait, account) is { } gate)
                yield return gate;
        }
    }

    public static WaitAnswer Suspended =>
        new("dispatcher_suspended", null, "The dispatcher was suspended by a person; POST " + "/v1/dispatcher/activate lets all mail go.");

    /// <summary>Why an account's mail waits; null: it does not.</summary>
    public static WaitAnswer? Of(SmtpAccount account, DispatcherControl dispatcher) =>
        dispatcher.IsSuspended() ? Suspended : OfAccount(account) ?? Of(dispatcher.Waiting(account.Key), account);

    /// <summary>Why a pool's mail waits; null: it does not.</summary>
    public static WaitAnswer? OfPool(LaneView lane) => lane.Gates.Count == 0 ? null : Of(lane.Gates[0], null);

    /// <summary>What a person switched off.</summary>
    public static WaitAnswer? OfAccount(SmtpAccount? account) =>
        account switch
        {
            { TenantSuspended: true } => TenantSuspended(account),
            { Paused: true } => AccountPaused(account),
            _ => null,
        };

    private static WaitAnswer TenantSuspended(SmtpAccount account) =>
        new(
            "tenant_suspended",
            null,
            $"Sending was suspended for the tenant '{account.Tenant}' by a person; "
                + $"PUT /v1/tenants/{account.Tenant} with \"active\": true lets its mail go."
        );

    private static WaitAnswer AccountPaused(SmtpAccount account) =>
        new(
            "account_paused",
            null,
            $"The account '{account.Id}' was paused by a person; POST /v1/accounts/{account.Id}/resume lets its mail go."
        );

    private static WaitAnswer BatchSuspended(string? batch) =>
        new("batch_suspended", null, $"Its batch '{batch}' was suspended by a person; POST /v1/batches/{batch}/activate lets its mail go.");

    public static WaitAnswer? Of(LaneWait? lane, SmtpAccount? account) =>
        lane is null ? null : new(lane.Reason, Times.Utc(lane.Until), Detail(lane, account));

    // Trouble with a server says which server.
    private static string? Detail(LaneWait lane, SmtpAccount? account) =>
        lane is { Reason: "account_backoff", Detail: { } detail }
        && account is { Host: { } host }
        && !detail.Contains(host, StringComparison.OrdinalIgnoreCase)
            ? $"{host}:{account.Port}: {detail}"
            : lane.Detail;

    /// <summary>The domains that the message still goes to.</summary>
    public static IReadOnlyList<string> DomainsOf(MessageView message) =>
        [
            .. message
                .Recipients.Where(static to => !to.State.IsFinal())
                .Select(static to => DestinationLimits.DomainOf(to.Address))
                .Distinct(StringComparer.Ordinal),
        ];

    /// <summary>What an account's limits for a domain, or its provider's wish, say to a message.</summary>
    public static WaitAnswer Destination(SmtpAccount account, DestinationHold hold) =>
        new(
            "destination_limit",
            Times.Utc(hold.Until),
            hold.Slowed is { } slowed
                ? $"The account '{account.Id}' is slowed for mail to {hold.Domain}: {slowed}. "
                    + $"POST /v1/accounts/{account.Id}/adaptive/reset ends that."
                : $"A limit of the account '{account.Id}' for mail to {hold.Domain} says not yet: limits.destinations. {Shown(account)}"
        );

    private static string Destination(MessageView message, SmtpAccount? account) =>
        account is null
            ? $"The accounts of its pool have no room for mail to {Some(DomainsOf(message))}, or cannot send now: "
                + $"GET /v1/messages/{message.Key.Id}/explain says it of each."
            : $"A limit of the account '{account.Id}' for mail to {Some(DomainsOf(message))} says not yet: limits.destinations, or a rate "
                + $"that its provider asked for. {Shown(account)}";

    private static string Shown(SmtpAccount account) => $"GET /v1/accounts/{account.Id} shows it at destinations_now.";

    private static string Some(IReadOnlyList<string> domains) => string.Join(", ", domains.Take(3));

    private static string Held(MessageView message) =>
        message.HoldReason == "ambiguous"
            ? $"Held until a person decides. {Resend} POST /v1/messages/{message.Key.Id}/release sends it again, and recipients may get it "
                + $"twice; …/cancel closes it as ambiguous, and they may never get it."
            : $"Held by a person; POST /v1/messages/{message.Key.Id}/release lets it go, …/cancel ends it.";

    private static string LastTrouble(MessageView message)
    {
        if (message.Reason is { } reason)
            return $"The last attempt failed before any server was asked: {reason}";
        foreach (var recipient in message.Recipients)
        {
            if (recipient.State == RecipientState.Deferred && recipient.Reply is { } reply)
                return $"The last attempt ended with: {reply}";
        }

        return message.PossibleDuplicate
            ? $"{Resend} It is tried again, and recipients may get it twice."
            : "The last attempt did not succeed.";
    }
}
