using System.Text.Json;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using Microsoft.Data.Sqlite;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>The webhooks table: seals secrets when writing and decrypts them when reading.</summary>
internal sealed class WebhookRows(SecretBox box)
{
    private const string Select = """
        SELECT tenant, id, url, secret, types, final_only, max_batch, paused, acknowledged, failing_since, failures, disabled_at,
        last_error,
               version, style, auth, previous_secret, previous_until, batches, replay_acknowledged, replay_through, replay_batches,
               called_at, quiet_until
        FROM webhooks
        """;

    public List<WebhookEndpoint> All(SqliteConnection db) =>
        db.Query(Select + " ORDER BY tenant, id", Row).ConvertAll(endpoint => WithResends(db, endpoint));

    public WebhookEndpoint? Find(SqliteConnection db, string tenant, string id) =>
        db.QueryFirst(Select + " WHERE tenant = @tenant AND id = @id", Row, ("@tenant", tenant), ("@id", id)) is { } endpoint
            ? WithResends(db, endpoint)
            : null;

    /// <summary>Progress starts at <paramref name="acknowledged"/>.</summary>
    public void Insert(SqliteConnection db, WebhookEndpoint endpoint, long acknowledged) =>
        db.Run(
            """
            INSERT INTO webhooks (tenant, id, url, secret, previous_secret, previous_until, auth, style, types, final_only, max_batch,
            paused, acknowledged, failures)
            VALUES (@tenant, @id, @url, @secret, @previous, @until, @auth, @style, @types, @final, @batch, @paused, @acknowledged, 0)
            """,
            [.. Configuration(endpoint), ("@acknowledged", acknowledged)]
        );

    /// <summary>
    /// Keeps the progress, and the secrets when none is given. How batches were cut is dropped when the change would cut them differently.
    /// </summary>
    public void Update(SqliteConnection db, WebhookEndpoint endpoint) =>
        db.Run(
            """
            UPDATE webhooks SET version = version + 1, url = @url, auth = @auth, style = @style, types = @types, final_only = @final,
            max_batch = @batch, paused = @paused,
                secret = coalesce(@secret, secret),
                previous_secret = iif(@secret IS NULL, previous_secret, @previous), previous_until = iif(@secret IS NULL, previous_until,
                @until),
                called_at = iif(style = @style AND url = @url, called_at, NULL), quiet_until = iif(style = @style AND url = @url,
                quiet_until, NULL),
                batches = iif(style = @style AND types = @types AND final_only = @final AND max_batch = @batch, batches, NULL),
                replay_batches = iif(style = @style AND types = @types AND final_only = @final AND max_batch = @batch, replay_batches, NULL)
            WHERE tenant = @tenant AND id = @id
            """,
            Configuration(endpoint)
        );

    /// <summary>Only style sync tracks single owed events, so another style begins at the first of them.</summary>
    public static void OweFromTheFirst(SqliteConnection db, WebhookEndpoint endpoint)
    {
        if (endpoint.Style == ReportStyle.Sync)
            return;
        db.Run(
            """
            UPDATE webhooks SET acknowledged = min(acknowledged, coalesce((SELECT min(position) - 1 FROM webhook_resends WHERE tenant =
            @tenant AND webhook = @id), acknowledged))
            WHERE tenant = @tenant AND id = @id
            """,
            ("@tenant", endpoint.Tenant),
            ("@id", endpoint.Id)
        );
        ResendRows.Forget(db, endpoint.Tenant, endpoint.Id);
    }

    public static void Delete(SqliteConnection db, string tenant, string id)
    {
        ResendRows.Forget(db, tenant, id);
        db.Run("DELETE FROM webhooks WHERE tenant = @tenant AND id = @id", ("@tenant", tenant), ("@id", id));
    }

    /// <summary>Returns the number of changed rows: 0 when the endpoint was deleted.</summary>
    public static int SaveProgress(SqliteConnection db, Session session, WebhookEndpoint endpoint, EndpointProgress progress)
    {
        var changed = UpdateProgress(db, endpoint, progress);
        var style = db.QueryNumber(
            "SELECT style FROM webhooks WHERE tenant = @tenant AND id = @id",
            ("@tenant", endpoint.Tenant),
            ("@id", endpoint.Id)
        );
        if (endpoint.Style == ReportStyle.Sync && style == (long)ReportStyle.Sync)
            ResendRows.Write(session, endpoint.Tenant, endpoint.Id, progress.Resends);
        return changed;
    }

    private static int UpdateProgress(SqliteConnection db, WebhookEndpoint endpoint, EndpointProgress progress) =>
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

    public static void BeginReplay(SqliteConnection db, string tenant, string id, long after, long through) =>
        db.Run(
            """
            UPDATE webhooks SET version = version + 1, replay_acknowledged = @after, replay_through = @through, replay_batches = NULL
            WHERE tenant = @tenant AND id = @id
            """,
            ("@tenant", tenant),
            ("@id", id),
            ("@after", after),
            ("@through", through)
        );

    private (string Name, object? Value)[] Configuration(WebhookEndpoint endpoint) =>
        [
            ("@tenant", endpoint.Tenant),
            ("@id", endpoint.Id),
            ("@url", endpoint.Url),
            ("@style", (int)endpoint.Style),
            ("@types", JsonSerializer.Serialize(endpoint.Types, StoredJson.Default.IReadOnlyListString)),
            ("@final", endpoint.FinalOnly ? 1 : 0),
            ("@batch", endpoint.MaxBatch),
            ("@paused", endpoint.Paused ? 1 : 0),
            ("@until", endpoint.PreviousUntil),
            ("@secret", Seal(endpoint, endpoint.Secret.Length > 0 ? endpoint.Secret : null, "secret")),
            ("@previous", Seal(endpoint, endpoint.PreviousSecret, "previous_secret")),
            ("@auth", Seal(endpoint, endpoint.Auth is { } auth ? StoredAuth.ToText(auth) : null, "auth")),
        ];

    private byte[]? Seal(WebhookEndpoint endpoint, string? secret, string what) =>
        secret is null ? null : box.Seal(secret, Owner(endpoint.Tenant, endpoint.Id, what));

    private static WebhookEndpoint WithResends(SqliteConnection db, WebhookEndpoint endpoint) =>
        endpoint.Style != ReportStyle.Sync
            ? endpoint
            : endpoint with
            {
                Progress = endpoint.Progress with { Resends = ResendRows.Read(db, endpoint.Tenant, endpoint.Id) },
            };

    private WebhookEndpoint Row(SqliteDataReader row)
    {
        var (tenant, id) = (row.GetString(0), row.GetString(1));
        string? Open(int column, string what) => row.BytesOrNull(column) is { } secret ? box.Open(secret, Owner(tenant, id, what)) : null;
        return new(
            tenant,
            id,
            row.GetString(2),
            Open(3, "secret")!,
            JsonSerializer.Deserialize(row.GetString(4), StoredJson.Default.IReadOnlyListString)!,
            row.GetInt32(5) != 0,
            row.GetInt32(6),
            row.GetInt32(7) != 0,
            new(
                row.GetInt64(8),
                row.NumberOrNull(9),
                row.GetInt32(10),
                row.NumberOrNull(11),
                row.TextOrNull(12),
                row.TextOrNull(18),
                row.NumberOrNull(19) is { } after ? new(after, row.GetInt64(20), row.TextOrNull(21)) : null
            )
            {
                CalledAt = row.NumberOrNull(22),
                QuietUntil = row.NumberOrNull(23),
            }
        )
        {
            Version = row.GetInt32(13),
            Style = (ReportStyle)row.GetInt32(14),
            Auth = Open(15, "auth") is { } auth ? StoredAuth.FromText(auth) : null,
            PreviousSecret = Open(16, "previous_secret"),
            PreviousUntil = row.NumberOrNull(17),
        };
    }

    // Neither part may contain a slash, so no two webhooks have the same owner name.
    private static string Owner(string tenant, string id, string what) => $"webhook/{tenant}/{id}/{what}";
}
