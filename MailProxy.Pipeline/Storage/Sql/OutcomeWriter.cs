using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>Writes how attempts ended. On the writer's thread.</summary>
/// <remarks>
/// Table by table: a hundred rows of one table in a row cost SQLite less than one row of each table a hundred times. Settlements of
/// different messages touch no row in common, so the order among them is of no account; the events are appended in their order.
/// </remarks>
internal sealed class OutcomeWriter(EventRows events, Claims claims, LimitUses uses, SuppressionRows suppressions)
{
    private const string Find = """
        SELECT q.round, m.tenant, m.account, m.sequence FROM queue q LEFT JOIN messages m ON m.number = q.message
        WHERE q.message = ?1 AND q.revision = ?2 AND q.attempt = ?3
        """;

    private const string Message =
        "UPDATE messages SET state = ?2, attempts = ?3, possible_duplicate = ?4, hold_reason = ?5, sequence = ?6, "
        + "account = ?7 WHERE number = ?1";

    private const string Recipient =
        "UPDATE recipients SET state = ?3, rounds = coalesce(?4, rounds), smtp_code = ?5, enhanced_code = ?6, reply = ?7, rule = ?8 WHERE "
        + "message = ?1 AND ordinal = ?2";

    private readonly List<Open> _group = [];
    private readonly HashSet<long> _messages = [];
    private readonly List<int> _asked = [];

    /// <param name="written">Is set for each: false where the ticket is stale and nothing was written.</param>
    public void Write(Session session, IReadOnlyList<Settlement> settlements, bool[] written)
    {
        for (var next = 0; next < settlements.Count; )
        {
            _group.Clear();
            _messages.Clear();
            _asked.Clear();

            // A message that comes a second time is looked at only when the first settlement is written.
            for (; next < settlements.Count && _messages.Add(settlements[next].Ticket.Id); next++)
                _asked.Add(next);
            session.AskEach(
                Find,
                _asked,
                (find, at) => AddName(find, settlements[at].Ticket),
                (at, row) =>
                {
                    written[at] = row is not null; // else the ticket is stale
                    if (row is not null)
                        _group.Add(OpenOf(settlements[at], row));
                }
            );
            WriteGroup(session);
        }
    }

    /// <summary>Called when the turn was rolled back.</summary>
    public void Undone() => uses.Forget();

    private static void AddName(Statement find, QueuedMail ticket) => find.Add(ticket.Id).Add(ticket.Revision).Add(ticket.Attempt);

    private static Open OpenOf(Settlement settlement, Statement row) =>
        row.IsNull(1)
            ? throw new InvalidOperationException($"Message {settlement.Ticket.Id} is queued but does not exist.")
            : new(settlement, row.Int(0), row.Text(1), settlement.By ?? new(row.Int(2)), row.Int(3));

    private void WriteGroup(Session session)
    {
        foreach (var open in _group)
            claims.Settle(session, open.Settlement.Ticket);
        foreach (var open in _group)
            WriteQueue(session, open.Settlement);
        foreach (var open in _group)
            WriteRecipients(session, open);
        foreach (var open in _group)
            WriteMessage(session, open);
        foreach (var open in _group)
        {
            if (open.Settlement.Attempt is { } attempt)
                AttemptRows.Add(session, open.Settlement.Ticket.Id, attempt);
        }

        foreach (var open in _group)
            Tell(open);
        foreach (var open in _group)
        {
            foreach (var (address, reason) in open.Settlement.Suppress)
                suppressions.Add(session, open.Tenant, address, reason, open.Settlement.At);
        }

        foreach (var open in _group)
        {
            if (open.Settlement.Mark is not { } mark)
                continue;
            uses.Count(mark);
            SqlDestinationUses.Count(session, open.Account, open.Settlement.Destinations, mark.At);
        }
    }

    private static void WriteQueue(Session session, Settlement settlement)
    {
        var message = settlement.Ticket.Id;
        switch (settlement.Step)
        {
            case QueueStep.Remove:
                QueueRows.Delete(session, message);
                break;
            case QueueStep.Again again:
                QueueRows.Update(
                    session,
                    message,
                    QueueRows.Ready,
                    again.Due,
                    again.Round,
                    again.Recipients,
                    Lane(session, again),
                    again.NotBy,
                    again.ForDestination
                );
                break;
            case QueueStep.Hold hold:
                QueueRows.Update(session, message, QueueRows.Held, 0, hold.Round, hold.Recipients);
                break;
        }
    }

    // An account or pool that was deleted meanwhile has no lane any more.
    private static LaneKey? Lane(Session session, QueueStep.Again again) =>
        again.Lane is { } lane && new ReferenceCheck(session).IsDeleted(lane) ? null : again.Lane;

    private static void WriteRecipients(Session session, Open open)
    {
        // The round of this attempt, not the one that begins now.
        long? tried = open.Settlement.Step is QueueStep.Remove ? null : open.Round + 1;
        foreach (var r in open.Settlement.Recipients)
        {
            session
                .Prepare(Recipient)
                .Add(open.Settlement.Ticket.Id)
                .Add(r.Ordinal)
                .Add((long)r.State)
                .Add(r.Tried ? tried : null)
                .Add(r.SmtpCode)
                .Add(r.EnhancedCode)
                .Add(r.Reply)
                .Add(r.Rule)
                .Post();
        }
    }

    private static void WriteMessage(Session session, Open open)
    {
        var settlement = open.Settlement;
        if (settlement.Step is QueueStep.Stay)
            return;
        session
            .Prepare(Message)
            .Add(settlement.Ticket.Id)
            .Add((long)settlement.State)
            .Add(settlement.Attempts)
            .Add(settlement.PossibleDuplicate)
            .Add((settlement.Step as QueueStep.Hold)?.Reason)
            .Add(open.Sequence + settlement.Events.Count)
            .Add(open.Account.Number)
            .Post();
    }

    private void Tell(Open open)
    {
        var settlement = open.Settlement;
        var sequence = open.Sequence;
        foreach (var e in settlement.Events)
            events.Append(open.Tenant, settlement.Ticket.Id, ++sequence, e, open.Account, settlement.At);
    }

    /// <summary>A settlement whose ticket is good, and what its message's rows said before.</summary>
    /// <param name="Account">The account that it went by: of this attempt, else of the last.</param>
    /// <param name="Sequence">Of the message's last event.</param>
    private readonly record struct Open(Settlement Settlement, int Round, string Tenant, AccountKey Account, int Sequence);
}
