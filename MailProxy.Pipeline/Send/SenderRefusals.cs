using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Send;

/// <summary>
/// Distinguishes a sender that a server refuses from a server that refuses every sender. A 5xx at MAIL is the message's; but when the
/// account's last three messages of different senders met the same one and none was taken since, the next is the account's, so that a
/// wrong setting does not fail a whole queue. Pure but for what it remembers; from any thread.
/// </summary>
internal sealed class SenderRefusals
{
    private const int Enough = 3;

    private readonly Lock _gate = new();
    private readonly Dictionary<AccountKey, Row> _last = [];

    /// <summary>Learns from a transaction. True when it was refused as all the others were.</summary>
    public bool Learn(SmtpAccount account, string sender, TransactionResult result)
    {
        if (!SmtpVerdict.RefusesSender(result))
        {
            // An accepted sender disproves it; a transaction without an answer to MAIL changes nothing.
            if (result.SenderAnswered && result.Phase > SmtpPhase.Mail)
            {
                lock (_gate)
                    _last.Remove(account.Key);
            }

            return false;
        }

        var met = new Refusal(sender, result.Ending!.Code, result.Ending.EnhancedCode);
        lock (_gate)
        {
            // The account has changed since: earlier refusals say nothing.
            if (!_last.TryGetValue(account.Key, out var row) || row.Version != account.Version)
            {
                _last[account.Key] = row = new(account.Version, []);
            }

            if (row.Last.Exists(earlier => !earlier.IsLike(met)))
                row.Last.Clear();
            if (row.Last.Count == Enough)
                return true;
            row.Last.RemoveAll(earlier => earlier.Sender == sender);
            row.Last.Add(met);
            return false;
        }
    }

    /// <summary>Forgets the accounts that are gone.</summary>
    public void Forget(Predicate<AccountKey> isGone)
    {
        lock (_gate)
        {
            foreach (var account in _last.Keys.Where(account => isGone(account)).ToArray())
                _last.Remove(account);
        }
    }

    private sealed record Row(long Version, List<Refusal> Last);

    private sealed record Refusal(string Sender, int Code, string Enhanced)
    {
        public bool IsLike(Refusal other) => Code == other.Code && Enhanced == other.Enhanced;
    }
}
