using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Schedule;

/// <summary>What providers have asked for: less of an account, or less to a domain.</summary>
/// <param name="slow">Slows an account for one domain; null: nobody can.</param>
internal sealed class SlowedNews(
    CurrentAccounts accounts,
    AccountGate gate,
    ActiveQueue queue,
    Action<SmtpAccount, SlowedDestination, double>? slow
)
{
    public void Apply(WakeSet news)
    {
        foreach (var (account, trouble) in news.Slowed)
        {
            if (accounts.Directory.Find(account) is { } known)
                gate.Adapted.Slow(known, trouble, Measured(account));
        }

        foreach (var ((account, _), slowed) in news.SlowedDestinations)
        {
            if (accounts.Directory.Find(account) is { } known)
                slow?.Invoke(known, slowed, Measured(account));
        }
    }

    private double Measured(AccountKey account) => queue.Find(Lanes.Of(account))?.Meter.PerMinute ?? 0;
}
