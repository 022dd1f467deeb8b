using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>Erases one slice of what the store knows of an address. On the writer's thread, in one transaction.</summary>
internal sealed class ErasureWriter(
    Session session,
    ChangeWriter changes,
    Claims claims,
    TraceRows traces,
    string address,
    string actor,
    long now
)
{
    private const int Slice = 100;

    private const string FindSql = """
        SELECT DISTINCT r.message, m.tenant, m.id FROM recipients r INDEXED BY recipients_address JOIN messages m ON m.number = r.message
        WHERE r.address = ?1 COLLATE NOCASE AND r.message > ?2 AND (m.tenant = ?3 OR ?3 IS NULL) ORDER BY r.message LIMIT ?4
        """;

    private const string Others =
        "SELECT count(*) FROM recipients WHERE message = ?1 AND address <> ?2 COLLATE NOCASE AND (?3 = 0 OR state < 10)";
    private const string IsWaited = "SELECT count(*) FROM recipients WHERE message = ?1 AND address = ?2 COLLATE NOCASE AND state < 10";
    private const string CancelSql =
        "UPDATE recipients SET state = CASE state WHEN 2 THEN 13 ELSE 14 END WHERE message = ?1 AND address = ?2 COLLATE NOCASE "
        + "AND state < 10";
    private const string Again = "UPDATE queue SET attempt = attempt + 1 WHERE message = ?1";
    private const string Redact = "UPDATE recipients SET address = ?3, reply = NULL WHERE message = ?1 AND address = ?2 COLLATE NOCASE";
    private const string RedactMessage =
        "UPDATE messages SET subject = NULL, tags = CASE WHEN ?2 = 0 THEN tags END, metadata = CASE WHEN ?2 = 0 THEN metadata END "
        + "WHERE number = ?1";
    private const string Replies = "SELECT ordinal, reply FROM recipients WHERE message = ?1 AND reply IS NOT NULL";
    private const string ClearReply = "UPDATE recipients SET reply = NULL WHERE message = ?1 AND ordinal = ?2";
    private const string DeleteBody = "DELETE FROM bodies WHERE message = ?1 RETURNING spool";
    private const string DeleteLinks = "DELETE FROM links WHERE message = ?1";
    private const string Events = "SELECT position, detail FROM events WHERE message = ?1 AND detail IS NOT NULL";
    private const string UpdateEvent = "UPDATE events SET detail = ?2 WHERE position = ?1";

    // Makes SQLite overwrite what is deleted, so that nothing of it stays in the pages.

    private readonly List<PendingErasure> _pending = [];
    private readonly List<(LaneKey, long)> _lanes = [];
    private ErasedCounts _counts;

    /// <summary>Spool files that no row names any more; they may be deleted after the commit.</summary>
    public List<string> Spool { get; } = [];

    /// <summary>
    /// Finds the messages of the next slice. On a reader's connection, because an address that many tenants send to has many rows to skip.
    /// </summary>
    public static List<(long Number, MessageKey Key)> Find(Session session, string? tenant, string address, long after)
    {
        var found = new List<(long, MessageKey)>();
        var row = session.Prepare(FindSql).Add(address).Add(after).Add(tenant).Add(Slice);
        while (row.Step())
            found.Add((row.Long(0), new(row.Text(1), row.Text(2))));
        return found;
    }

    public ErasedSlice Write(IReadOnlyList<(long Number, MessageKey Key)> found)
    {
        session.OverwriteDeleted(true);
        try
        {
            foreach (var (number, key) in found)
                Erase(number, key);
            return new(found.Count == Slice ? found[^1].Number : null, _counts, _pending, _lanes);
        }
        finally
        {
            session.OverwriteDeleted(false);
        }
    }

    private void Erase(long number, MessageKey key)
    {
        // The message may have been purged since it was found.
        if (StoredMessage.Find(session, number) is not { } stored)
            return;
        _counts += new ErasedCounts(1, 0, 0, 0, 0);
        if (!stored.State.IsFinal() && !Stop(stored, key))
        {
            _pending.Add(new(key, stored.HasBegun(session, claims) ? MessageState.Sending : stored.State));
            return;
        }

        var alone = Count(Others, number, 0) == 0;
        session.Prepare(Redact).Add(number).Add(address).Add(ErasedDetail.Address).Run();
        EraseReplies(number);
        AttemptRows.Clear(session, number);
        session.Prepare(RedactMessage).Add(number).Add(alone).Run();
        if (alone)
            traces.Clear(session, number);
        _counts += new ErasedCounts(
            0,
            0,
            DropBody(number),
            EraseEvents(number),
            alone ? session.Prepare(DeleteLinks).Add(number).Run() : 0
        );
    }

    /// <summary>Stops sending to the person. True when the message is final after that.</summary>
    private bool Stop(StoredMessage stored, MessageKey key)
    {
        if (stored.HasBegun(session, claims))
            return false;
        if (Count(Others, stored.Number, 1) == 0)
        {
            if (
                changes.Change(session, key, new MessageChange.Cancel(), actor, now) is not ChangeResult.Done { State: var state }
                || !state.IsFinal()
            )
                return false;
            _counts += new ErasedCounts(0, 1, 0, 0, 0);
            return true;
        }

        if (Count(IsWaited, stored.Number, null) == 0 || !stored.TryWithdraw(claims))
            return false;
        session.Prepare(CancelSql).Add(stored.Number).Add(address).Run();

        // From here on a ticket whose slice contains the person is stale.
        if (stored.State == MessageState.Held)
            session.Prepare(Again).Add(stored.Number).Run();
        else
            QueueRows.MakeReady(session, stored.Number, stored.QueueDue ?? 0, stored.MessageFacts.ExpiresAt);
        _lanes.Add((stored.Lane, stored.QueueDue ?? 0));
        return false;
    }

    private void EraseReplies(long number)
    {
        var naming = new List<int>();
        var row = session.Prepare(Replies).Add(number);
        while (row.Step())
        {
            if (ErasedDetail.Names(row.Text(1), address))
                naming.Add(row.Int(0));
        }

        foreach (var ordinal in naming)
            session.Prepare(ClearReply).Add(number).Add(ordinal).Run();
    }

    private int DropBody(long number)
    {
        var row = session.Prepare(DeleteBody).Add(number);
        if (!row.Step())
            return 0;
        if (row.TextOrNull(0) is { } file)
            Spool.Add(file);
        row.Run();
        return 1;
    }

    private int EraseEvents(long number)
    {
        var cleaned = new List<(long Position, byte[] Detail)>();
        var row = session.Prepare(Events).Add(number);
        while (row.Step())
        {
            if (ErasedDetail.Of(row.Blob(1), address) is { } detail)
                cleaned.Add((row.Long(0), detail));
        }

        foreach (var (position, detail) in cleaned)
            session.Prepare(UpdateEvent).Add(position).Add(detail).Run();
        return cleaned.Count;
    }

    private long Count(string sql, long number, int? open)
    {
        var statement = session.Prepare(sql).Add(number).Add(address);
        if (open is { } only)
            statement.Add(only);
        return statement.Scalar() ?? 0;
    }
}
