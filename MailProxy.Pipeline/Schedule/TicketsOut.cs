using MailProxy.Pipeline.Flow;

namespace MailProxy.Pipeline.Schedule;

/// <summary>Tickets that have left their lanes: under way to an attempt, or set aside until what the mail carries has come. Pure.</summary>
internal sealed class TicketsOut
{
    // With the lane of the account that a pool's mail goes by; else null.
    private readonly Dictionary<(long, int, int), MailLane?> _underWay = [];
    private readonly HashSet<QueuedMail> _aside = [];

    public void Leaves(in QueuedMail ticket, MailLane? lender) => _underWay.TryAdd(Name(ticket), lender);

    /// <summary>False when the ticket was not under way.</summary>
    public bool Lands(in QueuedMail ticket, out MailLane? lender) => _underWay.Remove(Name(ticket), out lender);

    /// <summary>False when the ticket was set aside before.</summary>
    public bool SetsAside(in QueuedMail ticket) => _aside.Add(ticket);

    /// <summary>False when the ticket was not set aside.</summary>
    public bool ComesBack(in QueuedMail ticket) => _aside.Remove(ticket);

    /// <summary>Takes the tickets that are set aside.</summary>
    public QueuedMail[] TakeAside()
    {
        QueuedMail[] all = [.. _aside];
        _aside.Clear();
        return all;
    }

    private static (long, int, int) Name(in QueuedMail ticket) => (ticket.Id, ticket.Revision, ticket.Attempt);
}
