using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>Suppresses a recipient who unsubscribed, and tells so. On the writer's thread.</summary>
internal sealed class UnsubscribeWriter(Session session, SuppressionRows suppressions, EventRows events, long now)
{
    private const string IsTenant = "SELECT EXISTS (SELECT 1 FROM tenants WHERE id = ?1 AND number = ?2)";
    private const string IsSuppressed =
        "SELECT EXISTS (SELECT 1 FROM suppressions WHERE tenant = ?1 AND address = ?2 AND expires_at IS NULL)";
    private const string Message = "SELECT number, state, attempts FROM messages WHERE tenant = ?1 AND id = ?2";
    private const string IsTold = "SELECT EXISTS (SELECT 1 FROM events WHERE message = ?1 AND type = ?2)";

    /// <summary>What a writer would come to; done: there is something to write. On any session.</summary>
    public static Unsubscribing Look(Session session, UnsubscribeLink link)
    {
        if (session.QueryNumber(IsTenant, link.Message.Tenant, link.TenantNumber) != 1)
            return Unsubscribing.Unknown;
        var isDone = IsThere(session, link) && (Find(session, link) is not { } found || HasTold(session, found.Number));
        return isDone ? Unsubscribing.Again : Unsubscribing.Done;
    }

    public Unsubscribing Write(UnsubscribeLink link)
    {
        if (Look(session, link) is var seen and not Unsubscribing.Done)
            return seen;

        // An entry that ends some day gives way; one that does not says as much already.
        var isNew = !IsThere(session, link);
        if (isNew)
        {
            suppressions.Put(
                session,
                new(
                    link.Message.Tenant,
                    Suppression.TargetOf(link.Address),
                    $"Unsubscribed from message {link.Message.Id}.",
                    SuppressionSource.Unsubscribe,
                    now
                )
            );
        }

        if (Find(session, link) is { } message && (isNew || !HasTold(session, message.Number)))
        {
            // As the record names them by now: a recipient that was erased is not named again.
            var detail = RecipientDetail.Write(RecipientRows.Read(session, message.Number));
            events.Append(message.Number, new(EventType.MessageUnsubscribed, message.State, message.Attempts, detail), now);
        }

        return Unsubscribing.Done;
    }

    private static bool IsThere(Session session, UnsubscribeLink link) =>
        session.QueryNumber(IsSuppressed, link.Message.Tenant, Suppression.TargetOf(link.Address)) == 1;

    private static bool HasTold(Session session, long message) =>
        session.QueryNumber(IsTold, message, (long)EventType.MessageUnsubscribed) == 1;

    private static (long Number, MessageState State, int Attempts)? Find(Session session, UnsubscribeLink link)
    {
        var row = session.Prepare(Message).Add(link.Message.Tenant).Add(link.Message.Id);
        if (!row.Step())
            return null;
        var found = (row.Long(0), (MessageState)row.Int(1), row.Int(2));
        row.Reset();
        return found;
    }
}
