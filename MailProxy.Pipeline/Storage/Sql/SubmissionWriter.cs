using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>
/// Writes one submission line by line, with the rules for the idempotency key and for resubmitted ids. On the writer's thread.
/// </summary>
internal sealed class SubmissionWriter(
    EventRows events,
    NumberLine numbers,
    Claims claims,
    ReadyContents ready,
    SpoolFiles spool,
    SpoolTrash trash,
    SuppressedMail suppressed,
    TraceRows traces,
    Func<ReadOnlyMemory<byte>, byte[]?> hash,
    TimeProvider clock
)
{
    private const string IsAnyBatchSuspended = "SELECT EXISTS (SELECT 1 FROM suspended_batches)";

    public void Write(Session session, AcceptedBatch batch, KnownBefore known, AppendResult result)
    {
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        var submission = batch.Submission;
        if (submission.Idempotency is { } key && IdempotencyRows.Find(session, submission.Tenant, key, now) is { } earlier)
        {
            result.Refuse(batch, earlier);
            return;
        }

        var lines = new ReceiptLine[batch.Lines.Count];
        for (var i = 0; i < lines.Length; i++)
        {
            var (mail, id, problem) = batch.Lines[i];
            lines[i] = mail is null
                ? new(id, MessageState.Failed, 0, problem ?? throw new InvalidOperationException("A line has neither mail nor problem."))
                : Write(session, known, mail, now, result);
        }

        if (submission.Idempotency is { } claim && claim.Render(lines) is { } answer)
            IdempotencyRows.Keep(session, submission.Tenant, claim, answer, now);
        result.Answer(new SubmissionAnswer.Stored(lines));
    }

    /// <summary>Called after the commit.</summary>
    public void Stored(AppendResult result)
    {
        foreach (var (ticket, mail) in result.Fresh)
        {
            if (ready.RoomOf(ticket.Lane) > 0)
                ready.Add(ticket, Fresh(mail));
        }

        trash.Add(result.Unused);
    }

    /// <summary>Called after a rollback: nothing was stored, and nothing stays claimed.</summary>
    public void Undone(AppendResult result, IReadOnlyList<AcceptedBatch> batches)
    {
        foreach (var ticket in result.Tickets)
            claims.Remove(ticket);
        trash.Add(batches.SelectMany(b => b.Lines).Select(l => l.Mail?.Body.SpoolFile).OfType<string>());
    }

    private ReceiptLine Write(Session session, KnownBefore known, AcceptedMail mail, long now, AppendResult result)
    {
        if (known.References.Fault(mail) is { } fault)
        {
            result.Drop(mail.Body.SpoolFile);
            return new(mail.Key.Id, default, 0, fault);
        }

        var (state, due) = mail.SendAt > now ? (MessageState.Scheduled, mail.SendAt.Value) : (MessageState.Queued, 0);
        var keptBack = suppressed.In(session, mail, now);
        var isAll = keptBack.Count == mail.Recipients.Count;
        if (
            MessageRows.TryInsert(session, numbers, mail, isAll ? MessageState.Suppressed : state, known.Ids, isAll ? 0 : 1)
            is not { } number
        )
            return Again(session, mail, state, due, now, result);
        if (mail.Trace is not null)
            traces.Write(session, number, mail.Trace);
        if (isAll)
        {
            suppressed.Write(session, number, MessageState.Suppressed, keptBack, now);
            return new(mail.Key.Id, MessageState.Suppressed, mail.CreatedAt);
        }

        QueueRows.Insert(
            session,
            number,
            mail.Lane,
            mail.Priority,
            due,
            QueueRows.Ready,
            1,
            0,
            mail.Recipients.Count - keptBack.Count,
            mail.ExpiresAt,
            FlowKey.Of(mail.Batch),
            mail.NotBy
        );
        events.Append(mail.Key.Tenant, number, 1, new(Arrival(state), state, 0, null), mail.Account, now);
        if (keptBack.Count > 0)
            suppressed.Write(session, number, state, keptBack, now);
        Offer(session, number, 1, mail, due, result, keptBack.Count);
        return new(mail.Key.Id, state, mail.CreatedAt);
    }

    private ReceiptLine Again(Session session, AcceptedMail mail, MessageState state, long due, long now, AppendResult result)
    {
        var stored = StoredMessage.Find(session, mail.Key)!;
        if (stored.HasBegun(session, claims))
            stored = stored.AsSending();
        var decision = Decide(session, stored, mail);
        if (decision is Resubmission.Replace or Resubmission.Anew && !stored.TryWithdraw(claims))
        {
            // Its body has begun since it was looked at.
            stored = stored.AsSending();
            decision = Decide(session, stored, mail);
        }

        if (decision is Resubmission.Same or Resubmission.Sending or Resubmission.AlreadySent)
        {
            result.Drop(mail.Body.SpoolFile);
            return new(mail.Key.Id, stored.State, stored.CreatedAt, Refusal(decision));
        }

        var held = decision == Resubmission.Replace && stored.State == MessageState.Held;
        var keptBack = suppressed.In(session, mail, now);
        var isAll = keptBack.Count == mail.Recipients.Count;
        if (held)
            state = MessageState.Held;
        var revision = stored.Revision + 1;
        MessageRows.Replace(session, stored.Number, revision, mail, isAll ? MessageState.Suppressed : state);
        traces.Write(session, stored.Number, mail.Trace);
        if (isAll)
        {
            QueueRows.Delete(session, stored.Number);
            suppressed.Write(session, stored.Number, MessageState.Suppressed, keptBack, now);
            result.Drop(stored.Spool);
            if (result.Withdraw(stored.Number) is { } withdrawn)
                claims.Remove(withdrawn);
            return new(mail.Key.Id, MessageState.Suppressed, mail.CreatedAt);
        }

        QueueRows.Insert(
            session,
            stored.Number,
            mail.Lane,
            mail.Priority,
            due,
            held ? QueueRows.Held : QueueRows.Ready,
            revision,
            0,
            mail.Recipients.Count - keptBack.Count,
            mail.ExpiresAt,
            FlowKey.Of(mail.Batch),
            mail.NotBy
        );
        events.Append(stored.Number, new(decision == Resubmission.Anew ? Arrival(state) : EventType.MessageReplaced, state, 0, null), now);
        if (keptBack.Count > 0)
            suppressed.Write(session, stored.Number, state, keptBack, now);
        result.Drop(stored.Spool);
        if (result.Withdraw(stored.Number) is { } early)
            claims.Remove(early);
        if (!held)
            Offer(session, stored.Number, revision, mail, due, result, keptBack.Count);
        return new(mail.Key.Id, state, mail.CreatedAt);
    }

    private Resubmission Decide(Session session, StoredMessage stored, AcceptedMail mail) =>
        Resubmissions.Decide(
            stored.State,
            stored.MessageFacts.Accepted || stored.MessageFacts.Ambiguous,
            SameContent(session, stored, mail)
        );

    private void Offer(Session session, long number, int revision, AcceptedMail mail, long due, AppendResult result, int keptBack)
    {
        result.Expires(mail.ExpiresAt);
        if (due > 0)
        {
            result.Later(mail.Lane, due);
            return;
        }

        var ticket = new QueuedMail(number, revision, mail.Lane, mail.Priority, 0, 0, mail.Recipients.Count - keptBack)
        {
            NotBy = mail.NotBy,
            Flow = FlowKey.Of(mail.Batch),
        };
        if (!claims.TryAdd(ticket))
        {
            result.Later(mail.Lane, 0); // another node sends it
            return;
        }

        result.Tickets.Add(ticket);
        if (
            keptBack == 0
            && mail.Body is { SpoolFile: null, Inline.Length: <= ReadyContents.LargestBody }
            && mail.Recipients.Count <= ReadyContents.MostRecipients
            && !(mail.Batch is not null && IsSetAside(session, result))
        )
            result.Fresh.Add((ticket, mail));
    }

    // A trigger sets mail of suspended batches aside, and then its ticket is good for nothing.
    private static bool IsSetAside(Session session, AppendResult result) =>
        result.MayBeSetAside ??= session.Prepare(IsAnyBatchSuspended).Scalar() == 1;

    /// <summary>What would be read of a mail that was stored just now.</summary>
    private static MailContent Fresh(AcceptedMail mail) =>
        new()
        {
            Key = mail.Key,
            Account = mail.Account,
            Pool = mail.Pool,
            EnvelopeSender = mail.EnvelopeSender,
            MessageIdHeader = mail.MessageIdHeader,
            CreatedAt = mail.CreatedAt,
            OnAmbiguous = mail.OnAmbiguous,
            Json = mail.Body.Inline.ToArray(), // a copy, because this may be a small part of a large request
            Sources = mail.Sources,
            Slice = [.. mail.Recipients.Select(static (address, ordinal) => new SliceRecipient(ordinal, address))],
            Standing = new(0, 0, 0, 0, 0, 0, 0, false, mail.ExpiresAt),
            State = MessageState.Queued,
            SendAt = mail.SendAt,
            Trace = mail.Trace,
        };

    /// <summary>A message whose id was generated here has no hash, so its body is hashed, in case a client posts again what it was
    /// given.</summary>
    private bool SameContent(Session session, StoredMessage stored, AcceptedMail mail)
    {
        if (mail.ContentHash is null)
            return false;
        var known = stored.ContentHash;
        if (known is null && stored.MessageFacts.BodyKept)
        {
            var body = stored.Spool is null ? MessageRows.InlineBody(session, stored.Number) : spool.TryRead(stored.Spool, session);
            known = body is null ? null : hash(body);
        }

        return known is not null && (known.AsSpan().SequenceEqual(mail.ContentHash) || known.AsSpan().SequenceEqual(mail.HashAsWritten));
    }

    private static Problem? Refusal(Resubmission decision) =>
        decision switch
        {
            Resubmission.Sending => new(
                409,
                "sending",
                "An attempt to send the message with this id is under way; it cannot be replaced now."
            ),
            Resubmission.AlreadySent => new(
                409,
                "already_sent",
                "The message with this id was sent, at least to some recipients; other content needs an id of its own."
            ),
            _ => null,
        };

    private static EventType Arrival(MessageState state) =>
        state == MessageState.Scheduled ? EventType.MessageScheduled : EventType.MessageQueued;
}
