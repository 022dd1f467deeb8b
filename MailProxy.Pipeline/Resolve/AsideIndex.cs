using System.Collections.Concurrent;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Resolve;

/// <summary>Records which mails are set aside, and why, so that the API can report it. Thread-safe.</summary>
internal sealed class AsideIndex
{
    private readonly ConcurrentDictionary<long, Entry> _mails = new();

    /// <param name="since">Unix milliseconds from which the mail was due.</param>
    public void Add(QueuedMail ticket, long since, string why) => _mails[ticket.Id] = new(ticket, since, why);

    /// <summary>Removes the mail's entry, unless another revision or attempt of the same mail has replaced it.</summary>
    public void Remove(QueuedMail ticket)
    {
        if (_mails.TryGetValue(ticket.Id, out var entry) && entry.Ticket == ticket)
            _mails.TryRemove(new(ticket.Id, entry));
    }

    /// <summary>Why the message with this number is set aside; null when it is not.</summary>
    public string? Why(long number) => _mails.TryGetValue(number, out var entry) ? entry.Why : null;

    /// <summary>Number of the lane's mails that are set aside and were due at or before the given time.</summary>
    public long Count(LaneKey lane, long before) => _mails.Values.LongCount(entry => entry.Ticket.Lane == lane && entry.Since <= before);

    private sealed record Entry(QueuedMail Ticket, long Since, string Why);
}
