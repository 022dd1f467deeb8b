using System.Runtime.InteropServices;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Daemon.Genro.Import;

/// <summary>Counts what was sent in the last day under the limits of its accounts.</summary>
internal sealed class SendLogImport(ImportScope scope)
{
    private const int LongestColumn = 4_096;

    private const long Day = 86_400;

    public void Run()
    {
        var now = scope.Store.Now;
        var counts = new Dictionary<(AccountKey Account, long At), int>();
        var since = (now / 1000) - Day;
        foreach (var row in scope.Old.Rows("send_log", ["account_id", "timestamp"], LongestColumn, ("timestamp", since)))
        {
            if (row.Number(1) is not { } at || at > now / 1000 || !scope.TenantsOf.TryGetValue(row.Text(0) ?? "", out var tenants))
                continue;

            // The log names no tenant: who has an account of this name was held by these sends too.
            foreach (var tenant in tenants)
            {
                if (scope.MadeAccounts.GetValueOrDefault((tenant, row.Text(0)!)) is { } account && HasLimits(account))
                    CollectionsMarshal.GetValueRefOrAddDefault(counts, (account.Key, at * 1000), out _)++;
            }
        }

        foreach (var ((account, at), count) in counts)
            scope.Store.Count(account, at, count);
        if (counts.Count > 0)
            scope.Tally.Add("sends of the last day, for limits", counts.Values.Sum(static count => (long)count));
    }

    private static bool HasLimits(SmtpAccount account) =>
        account.Limits is { PerMinute: not null } or { PerHour: not null } or { PerDay: not null };
}
