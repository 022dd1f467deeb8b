using System.Collections.Concurrent;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Resolve;

/// <summary>Which mails are set aside, and for what, so that it can be told. Safe for threads.</summary>
internal sealed class AsideIndex
{
    private readonly ConcurrentDictionary<long, Entry> _mails = new();

    /// <param name="since">Unix milliseconds from which on the mail could have gone.</param>
    public void Add(QueuedMail ticket, long since, string why) => _mails[ticket.Id] = new(ticket, since, why);

    /// <summary>It waits no longer, unless it was set aside anew by another revision or attempt.</summary>
    public void Remove(QueuedMail ticket)
    {
        if (_mails.TryGetValue(ticket.Id, out var entry) && entry.Ticket == ticket)
            _mails.TryRemove(new(ticket.Id, entry));
    }

    /// <summary>What the message of this number waits for; null: it is not set aside.</summary>
    public string? Why(long number) => _mails.TryGetValue(number, out var entry) ? entry.Why : null;

    /// <summary>How many of the account's mails could have gone before that time.</summary>
    public long Count(AccountKey account, long before) =>
        _mails.Values.LongCount(entry => entry.Ticket.Account == account && entry.Since <= before);

    private sealed record Entry(QueuedMail Ticket, long Since, string Why);
}
