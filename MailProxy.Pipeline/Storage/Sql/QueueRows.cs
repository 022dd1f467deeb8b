using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>The rows of the hot table: one for each message that is not final.</summary>
internal static class QueueRows
{
    // queue.state
    public const int Ready = 0;

    /// <summary>An attempt of a former version, which marked here, was under way when its process ended.</summary>
    public const int Sending = 1;

    public const int Held = 2;

    /// <summary>Ready, but its batch is suspended. Set by a trigger (migration 7) and by <see cref="SqlBatchStore"/>.</summary>
    public const int Aside = 3;

    /// <summary>Whether a lane (?1) has any mail, ready or not. A condition.</summary>
    public const string LaneHasMail = """
        (EXISTS (SELECT 1 FROM queue INDEXED BY queue_lane WHERE state = 0 AND due = 0 AND lane = ?1)
            OR EXISTS (SELECT 1 FROM queue INDEXED BY queue_due WHERE state = 0 AND due > 0 AND lane = ?1)
            OR EXISTS (SELECT 1 FROM queue INDEXED BY queue_unready WHERE state <> 0 AND lane = ?1))
        """;

    private const string Put = """
        INSERT INTO queue (message, lane, priority, due, state, revision, attempt, round, recipients, expires_at, flow, not_by)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8, ?9, ?10, ?11)
        ON CONFLICT (message) DO UPDATE SET lane = excluded.lane, priority = excluded.priority, due = excluded.due,
            state = excluded.state, revision = excluded.revision, attempt = excluded.attempt, round = 0,
            recipients = excluded.recipients, marked = 0, expires_at = excluded.expires_at, flow = excluded.flow,
            not_by = excluded.not_by, destination = 0
        """;

    private const string DeleteSql = "DELETE FROM queue WHERE message = ?1";

    private const string Settle =
        "UPDATE queue SET state = ?2, due = ?3, round = ?4, recipients = ?5, marked = 0, attempt = attempt + 1, lane = coalesce(?6, lane), "
        + "not_by = coalesce(?7, not_by), destination = ?8 WHERE message = ?1";

    private const string MoveSql = "UPDATE queue SET lane = ?2, not_by = ?3, attempt = attempt + 1 WHERE message = ?1";

    private const string HoldSql = "UPDATE queue SET state = 2, attempt = attempt + 1 WHERE message = ?1";

    // A message that waits again must have a recipient to try: if all were tried in this round, the next one begins.
    private const string MakeReadySql = """
        UPDATE queue SET state = 0, due = ?2, expires_at = ?3, attempt = attempt + 1, destination = 0,
            round = round + CASE WHEN EXISTS (SELECT 1 FROM recipients r WHERE r.message = ?1 AND r.state < 10 AND r.rounds <= queue.round)
            THEN 0 ELSE 1 END
        WHERE message = ?1
        """;

    private const string CountSql =
        "UPDATE queue SET recipients = (SELECT count(*) FROM recipients r WHERE r.message = ?1 AND r.state < 10 AND r.rounds <= "
        + "queue.round) WHERE message = ?1";

    /// <summary>Inserts or replaces the row of a message; round and marks start over.</summary>
    public static void Insert(
        Session session,
        long message,
        LaneKey lane,
        Priority priority,
        long due,
        int state,
        int revision,
        int attempt,
        int recipients,
        long expiresAt,
        FlowKey flow,
        string? notBy = null
    ) =>
        session
            .Prepare(Put)
            .Add(message)
            .Add(lane.Number)
            .Add((long)priority)
            .Add(due)
            .Add(state)
            .Add(revision)
            .Add(attempt)
            .Add(recipients)
            .Add(expiresAt)
            .Add(flow.Number)
            .Add(notBy)
            .Post();

    public static void Delete(Session session, long message) => session.Prepare(DeleteSql).Add(message).Post();

    /// <summary>After an attempt: makes the row ready or held, and older tickets stale.</summary>
    /// <param name="lane">Where a pool's mail waits; null: where it did.</param>
    /// <param name="notBy">Ids of all accounts that a pool's mail may not go by; null: as it was.</param>
    /// <param name="forDestination">It waits for a limit of its destination.</param>
    public static void Update(
        Session session,
        long message,
        int state,
        long due,
        int round,
        int recipients,
        LaneKey? lane = null,
        string? notBy = null,
        bool forDestination = false
    ) =>
        session
            .Prepare(Settle)
            .Add(message)
            .Add(state)
            .Add(due)
            .Add(round)
            .Add(recipients)
            .Add((long?)lane?.Number)
            .Add(notBy)
            .Add(forDestination)
            .Post();

    /// <summary>To another lane; older tickets are stale.</summary>
    public static void Move(Session session, long message, LaneKey lane, string? notBy) =>
        session.Prepare(MoveSql).Add(message).Add(lane.Number).Add(notBy).Post();

    public static void Hold(Session session, long message) => session.Prepare(HoldSql).Add(message).Post();

    /// <summary>For a person's change: makes the row ready at <paramref name="due"/>, and older tickets stale.</summary>
    public static void MakeReady(Session session, long message, long due, long expiresAt)
    {
        session.Prepare(MakeReadySql).Add(message).Add(due).Add(expiresAt).Post();
        session.Prepare(CountSql).Add(message).Post();
    }
}
