namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>When a webhook had acknowledged how much, a row a minute. As long as events are kept, no longer.</summary>
internal static class AcknowledgementRows
{
    private const long Minute = 60_000,
        Kept = 32 * 86_400_000L;

    private const string Put = """
        INSERT INTO acknowledgements (tenant, webhook, minute, position, at) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT (tenant, webhook, minute) DO UPDATE SET
            position = max(acknowledgements.position, excluded.position), at = excluded.at
        """;

    private const string DropOld = "DELETE FROM acknowledgements WHERE tenant = ?1 AND webhook = ?2 AND minute < ?3";

    private const string First = """
        SELECT at FROM acknowledgements INDEXED BY acknowledgements_position
        WHERE tenant = ?1 AND webhook = ?2 AND position >= ?3 ORDER BY position LIMIT 1
        """;

    public static void Write(Session session, string tenant, string webhook, long position, long now)
    {
        session.Prepare(Put).Add(tenant).Add(webhook).Add(now / Minute).Add(position).Add(now).Post();
        session.Prepare(DropOld).Add(tenant).Add(webhook).Add((now - Kept) / Minute).Post();
    }

    /// <summary>When the event at a position was acknowledged; null: not yet, or nobody knows any more.</summary>
    public static long? At(Session session, string tenant, string webhook, long position) =>
        session.Prepare(First).Add(tenant).Add(webhook).Add(position).Scalar();

    /// <summary>The position up to which everything was acknowledged at a time; 0: nothing.</summary>
    public static long Through(Session session, string tenant, string webhook, long at) =>
        session.QueryNumber(
            "SELECT max(position) FROM acknowledgements WHERE tenant = ?1 AND webhook = ?2 AND at <= ?3",
            tenant,
            webhook,
            at
        ) ?? 0;

    public static void Forget(Session session, string tenant, string webhook) =>
        session.Run("DELETE FROM acknowledgements WHERE tenant = ?1 AND webhook = ?2", tenant, webhook);
}
