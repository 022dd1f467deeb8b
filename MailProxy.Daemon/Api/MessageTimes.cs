using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Intake;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Api;

/// <summary>How long messages last when they are tried anew or at another time.</summary>
internal sealed class MessageTimes(CurrentAccounts accounts, IngestOptions limits, TimeProvider clock)
{
    /// <summary>A retry; an expired message lasts anew as long as one that is submitted now.</summary>
    public MessageChange.Retry Retry(MessageView? view) => new(Now + Lasts(view));

    /// <summary>
    /// The expiry of a message that is to go at another time. One that nobody asked for lies as far behind send_at as the rules say, and
    /// follows it; any other was asked for, and stays: null.
    /// </summary>
    public long? MovedExpiry(MessageView? view, long sendAt)
    {
        if (view is null)
            return null;
        var lasts = Lasts(view);
        return view.ExpiresAt == (view.SendAt ?? view.CreatedAt) + lasts ? Math.Max(sendAt, Now) + lasts : null;
    }

    private long Lasts(MessageView? view)
    {
        var account = view is null ? null : accounts.Directory.JudgeOf(view.Lane);
        return (long)((account is null ? null : accounts.Directory.ExpiryOf(account)) ?? limits.DefaultExpiry).TotalMilliseconds;
    }

    private long Now => clock.GetUtcNow().ToUnixTimeMilliseconds();
}
