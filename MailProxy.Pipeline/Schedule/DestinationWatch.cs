using System.Collections.Concurrent;
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

    private readonly Queue<LaneKey> _changed = [];
    private readonly ConcurrentQueue<AccountKey> _opened = [];
    private AccountDirectory _seen = accounts.Directory;
    private TaskCompletionSource _news = New();

    /// <summary>Takes over what was counted before a restart. Before the first mail is chosen.</summary>
    public async Task SeedAsync() => gate.Seed(await uses.ReadAsync(clock.GetUtcNow().ToUnixTimeMilliseconds()));

    /// <summary>Runs until the stop.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        accounts.Changed += Wake;
        gate.Opened += Open;
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
            gate.Opened -= Open;
        }
    }

    private void Open(AccountKey account)
    {
        _opened.Enqueue(account);
        Wake();
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
            foreach (var account in now.ChangedSince(before).Where(account => MayTakeMore(before.Find(account), now.Find(account))))
                _opened.Enqueue(account);
            if (!ReferenceEquals(before.Pools, now.Pools))
            {
                foreach (var pool in now.Pools.All.Where(pool => before.Pools.Find(pool.Key) is { } was && was.Version != pool.Version))
                    Enqueue(Lanes.Of(pool.Key));
            }
        }

        while (_opened.TryDequeue(out var account))
        {
            gate.Changed(account);
            foreach (var lane in now.LanesWith(account))
                Enqueue(lane);
        }

        while (_changed.TryPeek(out var lane) && !stop.IsCancellationRequested)
        {
            if (!await HastenAsync(lane, stop))
                return false;
            _changed.Dequeue();
        }

        return true;
    }

    private void Enqueue(LaneKey lane)
    {
        if (!_changed.Contains(lane))
            _changed.Enqueue(lane);
    }

    // Other limits, of domains or, for what a pool put off until the account can send, of any kind.
    private static bool MayTakeMore(SmtpAccount? before, SmtpAccount? now) =>
        before is not null
        && now is not null
        && (before.Limits != now.Limits || before.MaxConnections != now.MaxConnections || (before.Paused && !now.Paused));

    private async Task<bool> HastenAsync(LaneKey lane, CancellationToken stop)
    {
        try
        {
            for (var hastened = Chunk; hastened == Chunk && !stop.IsCancellationRequested; )
            {
                hastened = await uses.HastenAsync(lane, Chunk);
                if (hastened > 0)
                    wake.Due(lane, 0);
            }

            return true;
        }
        catch (Exception error)
        {
            // It is tried again; the mail comes at its time all the same.
            Log.CannotHasten(logger, lane.ToString(), error);
            return false;
        }
    }

    private static partial class Log
    {
        // At Debug, because the store logs its own trouble once, and this would repeat it each second.
        [LoggerMessage(310, LogLevel.Debug, "The mail of lane {Lane} that waits for a destination's limit cannot be hastened now.")]
        public static partial void CannotHasten(ILogger logger, string lane, Exception fault);
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
