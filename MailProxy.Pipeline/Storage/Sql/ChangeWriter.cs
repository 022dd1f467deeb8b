using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>
/// Writes a person's change of a message, and its expiry, as decided by <see cref="Transitions"/>. On the writer's thread.
/// </summary>
internal sealed class ChangeWriter(EventRows events, Claims claims)
{
    private const string StateSql = "UPDATE messages SET state = ?2, hold_reason = ?3, send_at = ?4, expires_at = ?5 WHERE number = ?1";
    private const string SendAtSql = "UPDATE messages SET send_at = ?2, expires_at = ?3 WHERE number = ?1";
    private const string RouteSql = "UPDATE messages SET account = ?2, pool = ?3 WHERE number = ?1";
    private const string CloseSql = "UPDATE recipients SET state = CASE state WHEN 2 THEN ?3 ELSE ?2 END WHERE message = ?1 AND state < 10";

    // Sent and ambiguous recipients are never sent to again, so they stay unchanged. So does a recipient that was cancelled alone, because
    // the
    // person's data was erased.
    private const string StartOver =
        "UPDATE recipients SET state = 0, rounds = 0, smtp_code = NULL, enhanced_code = NULL, reply = NULL, rule = NULL WHERE message = ?1 "
        + "AND state NOT IN (10, 13, 14)";

    private const string CountOpen = "SELECT count(*) FROM recipients WHERE message = ?1 AND state < 10";
    private const string OrderSql = "SELECT priority, batch FROM messages WHERE number = ?1";
    private const string Due =
        "SELECT message FROM queue INDEXED BY queue_expiry WHERE state IN (0, 3) AND expires_at <= ?1 ORDER BY expires_at LIMIT ?2";

    /// <summary>When to look again (milliseconds) at a message whose time was over while it was on its way.</summary>
    private const long AskAgain = 1000;

    private const string Sequence = "SELECT sequence FROM messages WHERE number = ?1";
    private const string Next = "SELECT min(expires_at) FROM queue INDEXED BY queue_expiry WHERE state IN (0, 3)";

    public ChangeResult Change(Session session, MessageKey key, MessageChange change, string actor, long now)
    {
        if (StoredMessage.Find(session, key) is not { } stored)
            return new ChangeResult.NotFound();
        if (stored.HasBegun(session, claims))
            stored = stored.AsSending();
        var decided = Transitions.Decide(stored.MessageFacts, change, now);
        if (decided is Transition.Move { To: var to })
            decided = Moved(session, stored, to);
        if (decided is Transition.Close or Transition.Hold or Transition.Wait or Transition.Move && !stored.TryWithdraw(claims))
        {
            // Its body has begun since it was looked at.
            stored = stored.AsSending();
            decided = Transitions.Decide(stored.MessageFacts, change, now);
        }

        // A message queued again would wait forever, since final messages do not keep their account from being deleted.
        if (decided is Transition.Wait { Anew: true } && new ReferenceCheck(session).IsDeleted(stored.Lane))
            decided = new Transition.Refused("account_deleted");
        var result = Make(session, stored, decided, now);
        if (result is ChangeResult.Done && decided is not Transition.Unchanged)
            AuditRows.Append(
                session,
                now,
                actor,
                change.ActionName,
                $"message/{key.Tenant}/{key.Id}",
                Audited(stored),
                Audited(StoredMessage.Find(session, stored.Number)!)
            );
        return result;
    }

    /// <summary>Closes expired messages.</summary>
    public ExpirySweep Expire(Session session, long now, int limit)
    {
        // What is on its way cannot expire; there are never so many that nothing else would be seen.
        var due = new List<long>();
        var row = session.Prepare(Due).Add(now).Add(limit + claims.Begun(session).Count);
        while (row.Step())
            due.Add(row.Long(0));
        var expired = 0;
        foreach (var number in due)
        {
            var stored =
                StoredMessage.Find(session, number)
                ?? throw new InvalidOperationException($"Message {number} is queued but does not exist.");
            if (stored.HasBegun(session, claims) || !stored.TryWithdraw(claims))
                continue;
            Close(session, stored, Transitions.Expire(stored.MessageFacts), now);
            expired++;
        }

        var next = NextExpiry(session);
        return new(expired, due.Count > expired ? Math.Max(next, now + AskAgain) : next);
    }

    /// <summary>When the next message expires; <see cref="long.MaxValue"/>: never.</summary>
    public static long NextExpiry(Session session) => session.Prepare(Next).Scalar() ?? long.MaxValue;

    private ChangeResult Make(Session session, StoredMessage stored, Transition decided, long now)
    {
        switch (decided)
        {
            case Transition.Refused refused:
                return new ChangeResult.Conflict(refused.Code, stored.State);
            case Transition.Purged:
                return new ChangeResult.Purged();
            case Transition.Unchanged:
                return Done(stored, stored.State, stored.QueueDue ?? long.MaxValue, stored.MessageFacts.ExpiresAt);
            case Transition.Close close:
                Close(session, stored, close, now);
                return Done(stored, close.State, long.MaxValue, stored.MessageFacts.ExpiresAt);
            case Transition.HoldUntil until:
                session.Prepare(SendAtSql).Add(stored.Number).Add(until.SendAt).Add(until.ExpiresAt).Run();
                return Done(stored, stored.State, long.MaxValue, until.ExpiresAt);
            case Transition.Hold hold:
                Write(session, stored, MessageState.Held, hold.Reason, stored.MessageFacts.SendAt, stored.MessageFacts.ExpiresAt);
                QueueRows.Hold(session, stored.Number);
                Tell(stored, EventType.MessageHeld, MessageState.Held, null, now);
                return Done(stored, MessageState.Held, long.MaxValue, stored.MessageFacts.ExpiresAt);
            case Transition.Move { To: var to }:
                session.Prepare(RouteSql).Add(stored.Number).Add(to.Account.Number).Add((long?)to.Pool?.Number).Run();
                QueueRows.Move(session, stored.Number, to.Lane, to.NotBy);
                return new ChangeResult.Done(stored.State, to.Lane, stored.QueueDue ?? long.MaxValue, stored.MessageFacts.ExpiresAt);
            case Transition.Wait wait:
                Wait(session, stored, wait, now);
                return Done(stored, wait.State, wait.Due, wait.ExpiresAt);
            default:
                throw new InvalidOperationException("An unknown transition.");
        }
    }

    private static Transition Moved(Session session, StoredMessage stored, MessageChange.Reroute to) =>
        stored.Lane == to.Lane ? new Transition.Unchanged()
        : new ReferenceCheck(session).IsDeleted(to.Lane) ? new Transition.Refused("account_deleted")
        : new Transition.Move(to);

    private static string Audited(StoredMessage stored) =>
        new AuditedMessage(stored.State.Name(), stored.MessageFacts.SendAt, stored.MessageFacts.ExpiresAt).ToJson();

    private static ChangeResult.Done Done(StoredMessage stored, MessageState state, long due, long expiresAt) =>
        new(state, stored.Lane, due, expiresAt);

    private void Wait(Session session, StoredMessage stored, Transition.Wait wait, long now)
    {
        Write(session, stored, wait.State, null, wait.SendAt, wait.ExpiresAt);
        if (wait.Anew)
        {
            session.Prepare(StartOver).Add(stored.Number).Run();
            var open = (int)(session.Prepare(CountOpen).Add(stored.Number).Scalar() ?? 0);
            var (priority, flow) = Order(session, stored.Number);
            // The sequence only grows, so a ticket from before the message became final does not match the new row.
            var attempt = (int)(session.Prepare(Sequence).Add(stored.Number).Scalar() ?? 0);
            QueueRows.Insert(
                session,
                stored.Number,
                stored.Lane,
                priority,
                wait.Due,
                QueueRows.Ready,
                stored.Revision,
                attempt,
                open,
                wait.ExpiresAt,
                flow
            );
        }
        else
        {
            QueueRows.MakeReady(session, stored.Number, wait.Due, wait.ExpiresAt);
        }

        Tell(stored, wait.Event, wait.State, null, now);
    }

    private static (Priority, FlowKey) Order(Session session, long number)
    {
        var row = session.Prepare(OrderSql).Add(number);
        row.Step();
        var order = ((Priority)row.Int(0), FlowKey.Of(row.TextOrNull(1)));
        row.Reset();
        return order;
    }

    private void Close(Session session, StoredMessage stored, Transition.Close close, long now)
    {
        QueueRows.Delete(session, stored.Number);
        session.Prepare(CloseSql).Add(stored.Number).Add((long)close.Rest).Add((long)close.Doubt).Run();
        Write(session, stored, close.State, null, stored.MessageFacts.SendAt, stored.MessageFacts.ExpiresAt);
        Tell(stored, close.Event, close.State, RecipientDetail.Write(RecipientRows.Read(session, stored.Number)), now);
    }

    private static void Write(Session session, StoredMessage stored, MessageState state, string? reason, long? sendAt, long expiresAt) =>
        session.Prepare(StateSql).Add(stored.Number).Add((long)state).Add(reason).Add(sendAt).Add(expiresAt).Run();

    private void Tell(StoredMessage stored, EventType type, MessageState state, byte[]? detail, long now) =>
        events.Append(stored.Number, new(type, state, stored.Attempts, detail), now);
}
