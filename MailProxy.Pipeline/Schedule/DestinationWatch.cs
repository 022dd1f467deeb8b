using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Schedule;

/// <summary>Lets a change of an account's limits for single domains act at once, and drops counts that nobody uses.</summary>
internal sealed partial class DestinationWatch(
    DestinationGate gate,
    IDestinationUses uses,
    CurrentAccounts accounts,
    Wake wake,
    TimeProvider clock,
    ILogger logger
)
{
    private const int Chunk = 1_000;

    private static readonly TimeSpan TrimEvery = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan AfterFailure = TimeSpan.FromSeconds(1);

    private readonly Queue<AccountKey> _changed = [];
    private AccountDirectory _seen = accounts.Directory;
    private TaskCompletionSource _news = New();

    /// <summary>Takes over what was counted before a restart. Before the first mail is chosen.</summary>
    public async Task SeedAsync() => gate.Seed(await uses.ReadAsync(clock.GetUtcNow().ToUnixTimeMilliseconds()));

    /// <summary>Runs until the stop.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        accounts.Changed += Wake;
        try
        {
            while (!stop.IsCancellationRequested)
            {
                var news = New();
                Volatile.Write(ref _news, news); // before the look, which sees what came until now
                var wait = await LookAsync(stop) ? TrimEvery : AfterFailure;
                using var over = CancellationTokenSource.CreateLinkedTokenSource(stop);
                await Task.WhenAny(news.Task, Task.Delay(wait, clock, over.Token));
                await over.CancelAsync();
            }
        }
        finally
        {
            accounts.Changed -= Wake;
        }
    }

    private void Wake() => Volatile.Read(ref _news).TrySetResult();

    // False: the store cannot write now.
    private async Task<bool> LookAsync(CancellationToken stop)
    {
        gate.Trim();
        var (before, now) = (_seen, accounts.Directory);
        _seen = now;
        if (!ReferenceEquals(before, now))
        {
            foreach (var account in now.ChangedSince(before))
            {
                if (before.Find(account)?.Limits is { Destinations: not null } limits && limits != now.Find(account)?.Limits)
                    _changed.Enqueue(account);
            }
        }

        while (_changed.TryPeek(out var account) && !stop.IsCancellationRequested)
        {
            gate.Changed(account);
            if (!await HastenAsync(LanesOf(now, account), stop))
                return false;
            _changed.Dequeue();
        }

        return true;
    }

    // Its own mail, and that of pools, which may have been put off by it.
    private static IEnumerable<LaneKey> LanesOf(AccountDirectory directory, AccountKey key) =>
        directory.Find(key) is { } account
            ? [Lanes.Of(key), .. directory.Pools.With(account.Tenant, account.Id).Select(static pool => Lanes.Of(pool.Key))]
            : [];

    private async Task<bool> HastenAsync(IEnumerable<LaneKey> lanes, CancellationToken stop)
    {
        foreach (var lane in lanes)
        {
            try
            {
                for (var hastened = Chunk; hastened == Chunk && !stop.IsCancellationRequested; )
                {
                    hastened = await uses.HastenAsync(lane, Chunk);
                    if (hastened > 0)
                        wake.Due(lane, 0);
                }
            }
            catch (Exception error)
            {
                // It is tried again; the mail comes at its time all the same.
                Log.CannotHasten(logger, lane.ToString(), error);
                return false;
            }
        }

        return true;
    }

    private static partial class Log
    {
        // At Debug, because the store logs its own trouble once, and this would repeat it each second.
        [LoggerMessage(310, LogLevel.Debug, "The mail of lane {Lane} that waits for a destination's limit cannot be hastened now.")]
        public static partial void CannotHasten(ILogger logger, string lane, Exception fault);
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
