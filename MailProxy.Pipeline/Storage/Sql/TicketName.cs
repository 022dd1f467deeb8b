using MailProxy.Pipeline.Flow;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>A ticket's name: it fits no later attempt and no later content.</summary>
internal readonly record struct TicketName(long Message, int Revision, int Attempt)
{
    public static TicketName Of(QueuedMail ticket) => new(ticket.Id, ticket.Revision, ticket.Attempt);
}
