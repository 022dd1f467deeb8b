using MailProxy.Pipeline.Configuration.Webhooks;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>The columns of the webhooks table that are no configuration: how far each endpoint is.</summary>
internal static class ProgressRows
{
    private const string Select = """
        SELECT tenant, id, acknowledged, failing_since, failures, disabled_at, last_error, batches, replay_acknowledged, replay_through,
               replay_batches, called_at, quiet_until, style
        FROM webhooks
        """;

    private const string One = " WHERE tenant = ?1 AND id = ?2";

    public static Dictionary<(string Tenant, string Id), EndpointProgress> All(Session session) =>
        session.Query(Select, Row).ToDictionary(row => (row.Tenant, row.Id), row => WithResends(session, row));

    public static EndpointProgress? Find(Session session, string tenant, string id) =>
        session.QueryFirst(Select + One, Row, tenant, id) is { } row ? WithResends(session, row) : null;

    public static bool IsDisabled(Session session, string tenant, string id) =>
        session.QueryNumber("SELECT disabled_at FROM webhooks" + One, tenant, id) is not null;

    /// <summary>Enables an endpoint that was disabled. The reporter writes the failures of the others.</summary>
    public static void Enable(Session session, string tenant, string id) =>
        session.Run(
            $"""
            UPDATE webhooks SET failing_since = NULL, failures = 0, disabled_at = NULL, last_error = NULL
            {One} AND disabled_at IS NOT NULL
            """,
            tenant,
            id
        );

    /// <summary>Style sync: the endpoint is called as one that never was.</summary>
    public static void ForgetCalls(Session session, string tenant, string id) =>
        session.Run($"UPDATE webhooks SET called_at = NULL, quiet_until = NULL{One}", tenant, id);

    /// <summary>Unacknowledged requests are cut anew.</summary>
    public static void ForgetBatches(Session session, string tenant, string id) =>
        session.Run($"UPDATE webhooks SET batches = NULL, replay_batches = NULL{One}", tenant, id);

    /// <summary>Only style sync tracks single owed events, so another style begins at the first of them.</summary>
    public static void OweFromTheFirst(Session session, string tenant, string id)
    {
        session.Run(
            """
            UPDATE webhooks SET acknowledged = min(acknowledged, coalesce((SELECT min(position) - 1 FROM webhook_resends WHERE tenant =
            ?1 AND webhook = ?2), acknowledged))
            WHERE tenant = ?1 AND id = ?2
            """,
            tenant,
            id
        );
        ResendRows.Forget(session, tenant, id);
    }

    /// <summary>Returns the number of changed rows: 0 when the endpoint was deleted.</summary>
    public static int Save(Session session, WebhookEndpoint endpoint, EndpointProgress progress, long now)
    {
        var before = session.QueryNumber("SELECT acknowledged FROM webhooks" + One, endpoint.Tenant, endpoint.Id);
        var changed = Update(session, endpoint, progress);
        if (endpoint.Style.IsGenro() && changed > 0 && progress.Acknowledged > before)
            AcknowledgementRows.Write(session, endpoint.Tenant, endpoint.Id, progress.Acknowledged, now);
        var style = session.QueryNumber("SELECT style FROM webhooks" + One, endpoint.Tenant, endpoint.Id);
        if (endpoint.Style == ReportStyle.Sync && style == (long)ReportStyle.Sync)
            ResendRows.Write(session, endpoint.Tenant, endpoint.Id, progress.Resends);
        return changed;
    }

    /// <summary>Returns the number of changed rows: 0 when there is no such endpoint.</summary>
    public static int BeginReplay(Session session, string tenant, string id, long after, long through) =>
        session.Run(
            "UPDATE webhooks SET version = version + 1, replay_acknowledged = ?3, replay_through = ?4, replay_batches = NULL" + One,
            tenant,
            id,
            after,
            through
        );

    private static int Update(Session session, WebhookEndpoint endpoint, EndpointProgress progress) =>
        session.Run(
            """
            UPDATE webhooks SET failing_since = ?5, failures = ?6, disabled_at = ?7, last_error = ?8,
                acknowledged = CASE WHEN style = ?13 THEN ?4 ELSE acknowledged END,
                called_at = CASE WHEN version = ?3 THEN ?14 ELSE called_at END,
                quiet_until = CASE WHEN version = ?3 THEN ?15 ELSE quiet_until END,
                batches = CASE WHEN version = ?3 THEN ?9 ELSE batches END,
                replay_acknowledged = CASE WHEN version = ?3 THEN ?10 ELSE replay_acknowledged END,
                replay_through = CASE WHEN version = ?3 THEN ?11 ELSE replay_through END,
                replay_batches = CASE WHEN version = ?3 THEN ?12 ELSE replay_batches END
            WHERE tenant = ?1 AND id = ?2
            """,
            endpoint.Tenant,
            endpoint.Id,
            endpoint.Version,
            progress.Acknowledged,
            progress.FailingSince,
            progress.Failures,
            progress.DisabledAt,
            progress.LastError,
            progress.Batches,
            progress.Replay?.Acknowledged,
            progress.Replay?.Through,
            progress.Replay?.Batches,
            (int)endpoint.Style,
            progress.CalledAt,
            progress.QuietUntil
        );

    private static EndpointProgress WithResends(Session session, Told row) =>
        row.IsSync ? row.Progress with { Resends = ResendRows.Read(session, row.Tenant, row.Id) } : row.Progress;

    private static Told Row(Statement row) =>
        new(
            row.Text(0),
            row.Text(1),
            row.Long(13) == (long)ReportStyle.Sync,
            new(
                row.Long(2),
                row.LongOrNull(3),
                row.Int(4),
                row.LongOrNull(5),
                row.TextOrNull(6),
                row.TextOrNull(7),
                row.LongOrNull(8) is { } after ? new(after, row.Long(9), row.TextOrNull(10)) : null
            )
            {
                CalledAt = row.LongOrNull(11),
                QuietUntil = row.LongOrNull(12),
            }
        );

    private sealed record Told(string Tenant, string Id, bool IsSync, EndpointProgress Progress);
}
