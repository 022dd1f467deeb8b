using MailProxy.Pipeline.Configuration.Webhooks;
using Microsoft.Data.Sqlite;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>The columns of the webhooks table that are no configuration: how far each endpoint is.</summary>
internal static class ProgressRows
{
    private const string Select = """
        SELECT tenant, id, acknowledged, failing_since, failures, disabled_at, last_error, batches, replay_acknowledged, replay_through,
               replay_batches, called_at, quiet_until, style
        FROM webhooks
        """;

    private const string One = " WHERE tenant = @tenant AND id = @id";

    public static Dictionary<(string Tenant, string Id), EndpointProgress> All(SqliteConnection db) =>
        db.Query(Select, Row).ToDictionary(row => (row.Tenant, row.Id), row => WithResends(db, row));

    public static EndpointProgress? Find(SqliteConnection db, string tenant, string id) =>
        db.QueryFirst(Select + One, Row, Names(tenant, id)) is { } row ? WithResends(db, row) : null;

    public static bool IsDisabled(SqliteConnection db, string tenant, string id) =>
        db.QueryNumber("SELECT disabled_at FROM webhooks" + One, Names(tenant, id)) is not null;

    /// <summary>Enables an endpoint that was disabled. The reporter writes the failures of the others.</summary>
    public static void Enable(SqliteConnection db, string tenant, string id) =>
        db.Run(
            $"""
            UPDATE webhooks SET failing_since = NULL, failures = 0, disabled_at = NULL, last_error = NULL
            {One} AND disabled_at IS NOT NULL
            """,
            Names(tenant, id)
        );

    /// <summary>Style sync: the endpoint is called as one that never was.</summary>
    public static void ForgetCalls(SqliteConnection db, string tenant, string id) =>
        db.Run($"UPDATE webhooks SET called_at = NULL, quiet_until = NULL{One}", Names(tenant, id));

    /// <summary>Unacknowledged requests are cut anew.</summary>
    public static void ForgetBatches(SqliteConnection db, string tenant, string id) =>
        db.Run($"UPDATE webhooks SET batches = NULL, replay_batches = NULL{One}", Names(tenant, id));

    /// <summary>Only style sync tracks single owed events, so another style begins at the first of them.</summary>
    public static void OweFromTheFirst(SqliteConnection db, string tenant, string id)
    {
        db.Run(
            """
            UPDATE webhooks SET acknowledged = min(acknowledged, coalesce((SELECT min(position) - 1 FROM webhook_resends WHERE tenant =
            @tenant AND webhook = @id), acknowledged))
            WHERE tenant = @tenant AND id = @id
            """,
            Names(tenant, id)
        );
        ResendRows.Forget(db, tenant, id);
    }

    /// <summary>Returns the number of changed rows: 0 when the endpoint was deleted.</summary>
    public static int Save(SqliteConnection db, Session session, WebhookEndpoint endpoint, EndpointProgress progress)
    {
        var changed = Update(db, endpoint, progress);
        var style = db.QueryNumber("SELECT style FROM webhooks" + One, Names(endpoint.Tenant, endpoint.Id));
        if (endpoint.Style == ReportStyle.Sync && style == (long)ReportStyle.Sync)
            ResendRows.Write(session, endpoint.Tenant, endpoint.Id, progress.Resends);
        return changed;
    }

    /// <summary>Returns the number of changed rows: 0 when there is no such endpoint.</summary>
    public static int BeginReplay(SqliteConnection db, string tenant, string id, long after, long through) =>
        db.Run(
            "UPDATE webhooks SET version = version + 1, replay_acknowledged = @after, replay_through = @through, replay_batches = NULL"
                + One,
            [.. Names(tenant, id), ("@after", after), ("@through", through)]
        );

    private static int Update(SqliteConnection db, WebhookEndpoint endpoint, EndpointProgress progress) =>
        db.Run(
            """
            UPDATE webhooks SET called_at = iif(version = @version, @called, called_at), quiet_until = iif(version = @version, @quiet,
            quiet_until), acknowledged = iif(style = @style, @acknowledged, acknowledged), failing_since = @since, failures = @failures,
            disabled_at = @disabled, last_error = @error,
                batches = iif(version = @version, @batches, batches),
                replay_acknowledged = iif(version = @version, @replay, replay_acknowledged),
                replay_through = iif(version = @version, @through, replay_through),
                replay_batches = iif(version = @version, @replayed, replay_batches)
            WHERE tenant = @tenant AND id = @id
            """,
            ("@tenant", endpoint.Tenant),
            ("@id", endpoint.Id),
            ("@version", endpoint.Version),
            ("@acknowledged", progress.Acknowledged),
            ("@since", progress.FailingSince),
            ("@failures", progress.Failures),
            ("@disabled", progress.DisabledAt),
            ("@error", progress.LastError),
            ("@batches", progress.Batches),
            ("@replay", progress.Replay?.Acknowledged),
            ("@through", progress.Replay?.Through),
            ("@replayed", progress.Replay?.Batches),
            ("@style", (int)endpoint.Style),
            ("@called", progress.CalledAt),
            ("@quiet", progress.QuietUntil)
        );

    private static (string Name, object? Value)[] Names(string tenant, string id) => [("@tenant", tenant), ("@id", id)];

    private static EndpointProgress WithResends(SqliteConnection db, Told row) =>
        row.IsSync ? row.Progress with { Resends = ResendRows.Read(db, row.Tenant, row.Id) } : row.Progress;

    private static Told Row(SqliteDataReader row) =>
        new(
            row.GetString(0),
            row.GetString(1),
            row.GetInt64(13) == (long)ReportStyle.Sync,
            new(
                row.GetInt64(2),
                row.NumberOrNull(3),
                row.GetInt32(4),
                row.NumberOrNull(5),
                row.TextOrNull(6),
                row.TextOrNull(7),
                row.NumberOrNull(8) is { } after ? new(after, row.GetInt64(9), row.TextOrNull(10)) : null
            )
            {
                CalledAt = row.NumberOrNull(11),
                QuietUntil = row.NumberOrNull(12),
            }
        );

    private sealed record Told(string Tenant, string Id, bool IsSync, EndpointProgress Progress);
}
