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

        return message.State switch
        {
            MessageState.Held => new("person", null, Held(message)),
            MessageState.Sending => new("attempt", null, "An attempt is under way."),
            _ when message.BatchSuspended => new(
                "batch_suspended",
                null,
                $"Its batch '{message.Batch}' was suspended by a person; POST " + $"/v1/batches/{message.Batch}/activate lets its mail go."
            ),
            MessageState.Deferred when message.NextAttemptAt > now => new("retry", Times.Utc(message.NextAttemptAt), LastTrouble(message)),
            _ when message.NextAttemptAt > now => new(
                "send_at",
                Times.Utc(message.NextAttemptAt),
                "Not before its send_at; reschedule " + "moves it, retry sends it now."
            ),
            _ when suspended => Suspended,
            _ when setAsideFor is not null => new("attachments", null, setAsideFor),
            _ => OfAccount(account) ?? Of(lane, account) ?? new("turn", null, "It goes as soon as its turn comes."),
        };
    }

    public static WaitAnswer Suspended =>
        new("dispatcher_suspended", null, "The dispatcher was suspended by a person; POST " + "/v1/dispatcher/activate lets all mail go.");

    /// <summary>Why an account's mail waits; null: it does not.</summary>
    public static WaitAnswer? Of(SmtpAccount account, DispatcherControl dispatcher) =>
        dispatcher.IsSuspended() ? Suspended : OfAccount(account) ?? Of(dispatcher.Waiting(account.Key), account);

    /// <summary>What a person switched off.</summary>
    public static WaitAnswer? OfAccount(SmtpAccount? account) =>
        account switch
        {
            { TenantSuspended: true } => new(
                "tenant_suspended",
                null,
                $"Sending was suspended for the tenant '{account.Tenant}' by a "
                    + $"person; PUT /v1/tenants/{account.Tenant} with \"active\": true lets its mail go."
            ),
            { Paused: true } => new(
                "account_paused",
                null,
                $"The account '{account.Id}' was paused by a person; POST " + $"/v1/accounts/{account.Id}/resume lets its mail go."
            ),
            _ => null,
        };

    public static WaitAnswer? Of(LaneWait? lane, SmtpAccount? account) =>
        lane is null ? null : new(lane.Reason, Times.Utc(lane.Until), Detail(lane, account));

    // Trouble with a server says which server.
    private static string? Detail(LaneWait lane, SmtpAccount? account) =>
        lane is { Reason: "account_backoff", Detail: { } detail }
        && account is { Host: { } host }
        && !detail.Contains(host, StringComparison.OrdinalIgnoreCase)
            ? $"{host}:{account.Port}: {detail}"
            : lane.Detail;

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
