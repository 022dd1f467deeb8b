using MailProxy.Pipeline.Flow;

namespace MailProxy.Pipeline.Schedule;

/// <summary>Tickets that have left their lanes: under way to an attempt, or set aside until what the mail carries has come. Pure.</summary>
internal sealed class TicketsOut
{
    // With the lane of the account that a pool's mail goes by; else null.
    private readonly Dictionary<TicketName, MailLane?> _underWay = [];
    private readonly HashSet<QueuedMail> _aside = [];

    public void Leaves(in QueuedMail ticket, MailLane lane, MailLane? lender)
    {
        _underWay.TryAdd(TicketName.Of(ticket), lender);
        (lender ?? lane).Goes(TicketName.Of(ticket));
    }

    /// <summary>False when the ticket was not under way.</summary>
    public bool Lands(in QueuedMail ticket, MailLane lane, out MailLane? lender)
    {
        if (!_underWay.Remove(TicketName.Of(ticket), out lender))
            return false;
        (lender ?? lane).Landed(TicketName.Of(ticket));
        return true;
    }

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
}

/// <summary>What tells a ticket from every other that may be under way.</summary>
internal readonly record struct TicketName(long Id, int Revision, int Attempt)
{
    public static TicketName Of(in QueuedMail ticket) => new(ticket.Id, ticket.Revision, ticket.Attempt);
}
