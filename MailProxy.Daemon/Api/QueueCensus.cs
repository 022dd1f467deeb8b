using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Api;

/// <summary>Counts what waits. Overdue is only what waits without a reason that can be named: in health there is none.</summary>
internal sealed class QueueCensus(IMessageQueries queries, CurrentAccounts accounts, AccountAnswers answers, TimeProvider clock)
{
    public async Task<(QueueCounts Counts, long At)> TakeAsync()
    {
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        var counts = await queries.CountsAsync(now);
        var overdue = counts.OverdueByAccount
            .Where(late => accounts.Directory.Find(late.Account) is not { } account || answers.Waiting(account) is null)
            .Sum(late => late.Count);
        return (counts with { Overdue = overdue }, now);
    }
}
