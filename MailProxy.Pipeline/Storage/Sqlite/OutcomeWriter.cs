using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>Writes how an attempt ended. On the writer's thread.</summary>
internal sealed class OutcomeWriter(EventRows events, LimitUses uses)
{
    private const string Message =
        "UPDATE messages SET state = ?2, attempts = ?3, possible_duplicate = ?4, hold_reason = ?5, sequence = sequence + ?6 "
        + "WHERE number = ?1 RETURNING tenant, account, sequence";

    private const string Recipient =
        "UPDATE recipients SET state = ?3, rounds = coalesce(?4, rounds), smtp_code = ?5, enhanced_code = ?6, reply = ?7 WHERE "
        + "message = ?1 AND ordinal = ?2";

    /// <summary>False: the ticket is stale, nothing was written.</summary>
    public bool Write(Session session, Settlement settlement)
    {
        if (!Settle(session, settlement))
            return false;
        if (settlement.Mark is { } mark)
            uses.Count(mark);
        return true;
    }

    /// <summary>Called when the turn was rolled back.</summary>
    public void Undone() => uses.Forget();

    private bool Settle(Session session, Settlement settlement)
    {
        var ticket = settlement.Ticket;
        long? tried = null;
        if (settlement.Step is QueueStep.Remove)
        {
            if (!QueueRows.Delete(session, ticket))
                return false;
        }
        else
        {
            if (QueueRows.Round(session, ticket) is not { } round)
                return false;
            tried = round + 1; // the round of this attempt, not the one that begins now
            if (settlement.Step is QueueStep.Again again)
                QueueRows.Update(session, ticket.Id, QueueRows.Ready, again.Due, again.Round, again.Recipients);
            else if (settlement.Step is QueueStep.Hold hold)
                QueueRows.Update(session, ticket.Id, QueueRows.Held, 0, hold.Round, hold.Recipients);
        }

        foreach (var r in settlement.Recipients)
        {
            session
                .Prepare(Recipient)
                .Add(ticket.Id)
                .Add(r.Ordinal)
                .Add((long)r.State)
                .Add(r.Tried ? tried : null)
                .Add(r.SmtpCode)
                .Add(r.EnhancedCode)
                .Add(r.Reply)
                .Run();
        }

        Tell(session, settlement);
        return true;
    }

    /// <summary>Updates the message's row, and appends the events with their sequences.</summary>
    private void Tell(Session session, Settlement settlement)
    {
        var count = settlement.Events.Count;
        var message = session
            .Prepare(Message)
            .Add(settlement.Ticket.Id)
            .Add((long)settlement.State)
            .Add(settlement.Attempts)
            .Add(settlement.PossibleDuplicate)
            .Add((settlement.Step as QueueStep.Hold)?.Reason)
            .Add(count);
        if (!message.Step())
            throw new InvalidOperationException($"Message {settlement.Ticket.Id} is queued but does not exist.");
        var (tenant, account, sequence) = (message.Text(0), message.Int(1), message.Int(2));
        message.Reset();
        for (var i = 0; i < count; i++)
        {
            events.Append(
                tenant,
                settlement.Ticket.Id,
                sequence - count + 1 + i,
                settlement.Events[i],
                new AccountKey(account),
                settlement.At
            );
        }
    }
}
