using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>What of a new mail its tenant's suppression list keeps back. In the transaction that stores it.</summary>
internal sealed class SuppressedMail(SuppressionRows suppressions, EventRows events)
{
    private const string Mark = "UPDATE recipients SET state = 16, reply = ?3 WHERE message = ?1 AND ordinal = ?2";

    /// <summary>The recipients that it must not go to; empty: it goes to all.</summary>
    public IReadOnlyList<SuppressedRecipient> In(Session session, AcceptedMail mail, long now)
    {
        if (!suppressions.Has(mail.Key.Tenant))
            return [];
        List<SuppressedRecipient>? found = null;
        for (var i = 0; i < mail.Recipients.Count; i++)
        {
            if (SuppressionRows.Reason(session, mail.Key.Tenant, mail.Recipients[i], now) is { } reason)
                (found ??= []).Add(new(i, mail.Recipients[i], reason));
        }

        return found ?? [];
    }

    /// <summary>Marks them in the message that was stored just now, and tells so.</summary>
    public void Write(Session session, long number, MessageState state, IReadOnlyList<SuppressedRecipient> found, long now)
    {
        foreach (var (ordinal, _, reason) in found)
            session.Prepare(Mark).Add(number).Add(ordinal).Add(reason).Post();
        var told = found.Select(static one => new RecipientView(one.Address, RecipientState.Suppressed, null, null, one.Reason)).ToArray();
        events.Append(number, new(EventType.MessageSuppressed, state, 0, RecipientDetail.Write(told)), now);
    }
}
