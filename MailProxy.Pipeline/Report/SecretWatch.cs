using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Report;

/// <summary>Tells the coming end of accounts' secrets, each step once, also over restarts.</summary>
internal sealed partial class SecretWatch(CurrentAccounts accounts, ISecretWarnings warnings, TimeProvider clock, ILogger logger)
{
    // The clock may step, and a store that could not be written is asked again.
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan AfterFailure = TimeSpan.FromMinutes(1);

    // What the store is known to have noted, so that it is not asked for each change of any account.
    private readonly Dictionary<AccountKey, (long End, int Step)> _told = [];

    private TaskCompletionSource _changed = New();

    /// <summary>Runs until the stop.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        accounts.Changed += Wake;
        try
        {
            while (!stop.IsCancellationRequested)
            {
                var change = New();
                Volatile.Write(ref _changed, change); // before the look, which sees what came until now
                var wait = await LookAsync();
                using var over = CancellationTokenSource.CreateLinkedTokenSource(stop);
                await Task.WhenAny(change.Task, Task.Delay(wait, clock, over.Token));
                await over.CancelAsync();
            }
        }
        finally
        {
            accounts.Changed -= Wake;
        }
    }

    private void Wake() => Volatile.Read(ref _changed).TrySetResult();

    /// <summary>Tells what is to be told; how long nothing else comes.</summary>
    private async Task<TimeSpan> LookAsync()
    {
        var directory = accounts.Directory;
        var wait = Longest;
        foreach (var account in directory.All.Where(static account => account.SecretExpiresAt is not null))
        {
            var (end, now) = (account.SecretExpiresAt!.Value, clock.GetUtcNow().ToUnixTimeMilliseconds());
            if (SecretEnds.StepOf(end, now) is { } step && IsNews(account.Key, end, step) && !await TellAsync(account, end, step, now))
                wait = AfterFailure < wait ? AfterFailure : wait;

            if (SecretEnds.NextAt(end, now) - now is { } left && left < wait.TotalMilliseconds)
                wait = TimeSpan.FromMilliseconds(left + 1);
        }

        foreach (var gone in _told.Keys.Where(key => directory.Find(key)?.SecretExpiresAt is null).ToArray())
            _told.Remove(gone);
        return wait;
    }

    private bool IsNews(AccountKey account, long end, int step) =>
        !_told.TryGetValue(account, out var told) || told.End != end || told.Step > step;

    private async Task<bool> TellAsync(SmtpAccount account, long end, int step, long now)
    {
        var detail = EventDetail.Make(
            (end, now),
            static (json, told) =>
            {
                json.WriteString("expires_at"u8, Timestamps.Write(told.end));
                json.WriteNumber("days"u8, Math.Max(0, (told.end - told.now) / 86_400_000));
                json.WriteString(
                    "reason"u8,
                    told.end > told.now
                        ? "The account's secret or password ends soon: make a new one at the provider and put it into the account."
                        : "The account's secret or password has ended: make a new one at the provider and put it into the account."
                );
            }
        );
        try
        {
            if (await warnings.TellAsync(account.Tenant, account.Key, end, step, detail, now))
                Log.Ends(logger, account.ToString(), Timestamps.Write(end));
            _told[account.Key] = (end, step);
            return true;
        }
        catch (Exception error)
        {
            Log.NotTold(logger, account.ToString(), error);
            return false;
        }
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static partial class Log
    {
        [LoggerMessage(
            613,
            LogLevel.Warning,
            "The secret or password of account {Account} ends at {End}: make a new one at the provider and put it into the account"
        )]
        public static partial void Ends(ILogger logger, string account, string end);

        [LoggerMessage(614, LogLevel.Warning, "The end of the secret of account {Account} could not be told; it is tried again")]
        public static partial void NotTold(ILogger logger, string account, Exception error);
    }
}
