using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>
/// What is known before submissions are written one after the other in one transaction, in which nobody else writes. Where each
/// question is a way to a server, all are asked at once.
/// </summary>
internal sealed class KnownBefore
{
    private const string Find = "SELECT 1 FROM messages WHERE tenant = ?1 AND id = ?2";

    public KnownBefore(Session session, IReadOnlyList<AcceptedBatch> batches)
    {
        References = new(session);
        if (!session.IsRemote)
            return;
        var known = new HashSet<MessageKey>();
        session.AskEach(
            Find,
            [.. batches.SelectMany(static batch => batch.Lines).Select(static line => line.Mail?.Key).OfType<MessageKey>()],
            static (find, key) => find.Add(key.Tenant).Add(key.Id),
            (key, row) =>
            {
                if (row is not null)
                    known.Add(key);
            }
        );
        Ids = known;
    }

    public ReferenceCheck References { get; }

    /// <summary>Those of the submissions' ids that are stored; null: the insert of each finds out.</summary>
    public HashSet<MessageKey>? Ids { get; }
}
