using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Api;

/// <summary>Counts what waits. Overdue is only what waits without a reason that can be named: in health there is none.</summary>
internal sealed class QueueCounter(IMessageQueries queries, CurrentAccounts accounts, DispatcherControl dispatcher, TimeProvider clock)
{
    public async Task<(QueueCounts Counts, long At)> TakeAsync()
    {
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        var counts = await queries.CountsAsync(now, IsExcused);
        var overdue = counts
            .OverdueByLane.Where(late => !IsExcused(late.Lane))
            .Sum(late => Math.Max(0, late.Count - dispatcher.SetAside(late.Lane, now - QueueCounts.OverdueAfter)));
        var heldUp = counts.OldestDueByLane.Where(oldest => !IsExcused(oldest.Lane)).Select(oldest => (long?)oldest.Due).Min();
        return (counts with { Overdue = overdue, OldestHeldUp = heldUp }, now);
    }

    // When a reason has just ended, nobody could have sent the mail that it kept.
    private bool IsExcused(LaneKey lane) =>
        accounts.Directory.OfLane(lane) is { } account
            ? dispatcher.IsExcused(lane) || IsExcused(WaitReason.Of(account, dispatcher))
            : accounts.Directory.PoolOf(lane) is not null && dispatcher.IsExcused(lane);

    // That an account has as much to do as it can says why its mail is late, and not that it is not.
    private static bool IsExcused(WaitAnswer? wait) => wait is not (null or { Reason: "account_busy" });
}
