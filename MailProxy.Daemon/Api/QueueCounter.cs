using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Api;

/// <summary>Counts what waits. Overdue is only what waits without a reason that can be named: in health there is none.</summary>
internal sealed class QueueCounter(
    IMessageQueries queries,
    CurrentAccounts accounts,
    AccountAnswers answers,
    DispatcherControl dispatcher,
    TimeProvider clock
)
{
    public async Task<(QueueCounts Counts, long At)> TakeAsync()
    {
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        var counts = await queries.CountsAsync(now);
        var overdue = counts
            .OverdueByLane.Where(late => accounts.Directory.OfLane(late.Lane) is not { } account || !IsExcused(answers.Waiting(account)))
            .Sum(late => Math.Max(0, late.Count - dispatcher.SetAside(late.Lane, now - QueueCounts.OverdueAfter)));
        return (counts with { Overdue = overdue }, now);
    }

    // That an account has as much to do as it can says why its mail is late, and not that it is not.
    private static bool IsExcused(WaitAnswer? wait) => wait is not (null or { Reason: "account_busy" });
}
