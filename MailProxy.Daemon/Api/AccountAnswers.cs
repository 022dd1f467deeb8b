using MailProxy.Pipeline.Accounts;

namespace MailProxy.Daemon.Api;

/// <summary>Turns accounts into answers: secrets never come out.</summary>
internal sealed class AccountAnswers(DispatcherControl dispatcher)
{
    public AccountAnswer Of(SmtpAccount account) =>
        new(
            account.Id,
            account.Tenant,
            account.Sandbox ? true : null,
            account.Host,
            account.Sandbox ? null : account.Port,
            account.Sandbox ? null : Name(AccountBinder.Securities, account.Security),
            account.Sandbox ? null : account.VerifyCertificate,
            account.User is null ? null : new(account.User, account.PasswordSet),
            account.Limits == AccountLimits.None ? null : Of(account.Limits),
            account.MaxConnections,
            account.MaxMessagesPerConnection,
            account.MaxRecipients,
            account.Dkim is { } dkim ? new(dkim.Domain, dkim.Selector, true) : null,
            account.FromAllowed,
            Of(account.LargeFiles),
            (long?)account.ExpiresAfter?.TotalSeconds,
            account.Retry?.Minutes,
            account.Description,
            account.Paused,
            Waiting(account)
        );

    /// <summary>Why the account's mail waits, or null.</summary>
    public WaitAnswer? Waiting(SmtpAccount account) =>
        dispatcher.IsSuspended()
            ? WaitReason.Suspended
            : WaitReason.OfAccount(account) ?? WaitReason.Of(dispatcher.Waiting(account.Key), account);

    private static LargeFilesAnswer? Of(LargeFiles? large) =>
        large is null ? null : new(large.Threshold, large.Action.Name(), large.Volume, large.LifetimeDays);

    private static LimitsAnswer Of(AccountLimits limits) =>
        new(
            limits.PerSecond,
            limits.PerMinute,
            limits.PerHour,
            limits.PerDay,
            limits.Burst,
            Name(AccountBinder.Counts, limits.Count),
            Name(AccountBinder.Reached, limits.WhenReached)
        );

    private static string Name<T>(IReadOnlyList<(string Name, T Value)> choices, T value)
        where T : struct, Enum => choices.First(choice => EqualityComparer<T>.Default.Equals(choice.Value, value)).Name;
}
