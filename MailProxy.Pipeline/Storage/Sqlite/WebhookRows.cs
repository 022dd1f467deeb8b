using System.Text.Json;
using MailProxy.Pipeline.Accounts;
using Microsoft.Data.Sqlite;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>The webhooks table: sealed secrets in, open ones out.</summary>
internal sealed class WebhookRows(SecretBox box)
{
    private const string Select =
        """
        SELECT tenant, id, url, secret, types, final_only, max_batch, paused, acknowledged, failing_since, failures, disabled_at, last_error
        FROM webhooks
        """;

    public List<WebhookEndpoint> All(SqliteConnection db) => db.Query(Select + " ORDER BY tenant, id", Row);

    public WebhookEndpoint? Find(SqliteConnection db, string tenant, string id) =>
        db.QueryFirst(Select + " WHERE tenant = @tenant AND id = @id", Row, ("@tenant", tenant), ("@id", id));

    /// <summary>Progress starts at <paramref name="acknowledged"/>.</summary>
    public void Insert(SqliteConnection db, WebhookEndpoint endpoint, long acknowledged) => db.Run(
        """
        INSERT INTO webhooks (tenant, id, url, secret, types, final_only, max_batch, paused, acknowledged, failures)
        VALUES (@tenant, @id, @url, @secret, @types, @final, @batch, @paused, @acknowledged, 0)
        """,
        [.. Configuration(endpoint), ("@secret", Seal(endpoint)), ("@acknowledged", acknowledged)]);

    /// <summary>Keeps progress, and the secret when none is given.</summary>
    public void Update(SqliteConnection db, WebhookEndpoint endpoint) => db.Run(
        """
        UPDATE webhooks SET url = @url, secret = coalesce(@secret, secret), types = @types, final_only = @final, max_batch = @batch, paused = @paused
        WHERE tenant = @tenant AND id = @id
        """,
        [.. Configuration(endpoint), ("@secret", endpoint.Secret.Length > 0 ? Seal(endpoint) : null)]);

    public static void Delete(SqliteConnection db, string tenant, string id) =>
        db.Run("DELETE FROM webhooks WHERE tenant = @tenant AND id = @id", ("@tenant", tenant), ("@id", id));

    /// <summary>Rows changed: 0 when the endpoint is gone.</summary>
    public static int SaveProgress(SqliteConnection db, string tenant, string id, EndpointProgress progress) => db.Run(
        """
        UPDATE webhooks SET acknowledged = @acknowledged, failing_since = @since, failures = @failures, disabled_at = @disabled, last_error = @error
        WHERE tenant = @tenant AND id = @id
        """,
        ("@tenant", tenant), ("@id", id), ("@acknowledged", progress.Acknowledged), ("@since", progress.FailingSince),
        ("@failures", progress.Failures), ("@disabled", progress.DisabledAt), ("@error", progress.LastError));

    private static (string Name, object? Value)[] Configuration(WebhookEndpoint endpoint) =>
    [
        ("@tenant", endpoint.Tenant), ("@id", endpoint.Id), ("@url", endpoint.Url),
        ("@types", JsonSerializer.Serialize(endpoint.Types, StoredJson.Default.IReadOnlyListString)),
        ("@final", endpoint.FinalOnly ? 1 : 0), ("@batch", endpoint.MaxBatch), ("@paused", endpoint.Paused ? 1 : 0),
    ];

    private byte[] Seal(WebhookEndpoint endpoint) => box.Seal(endpoint.Secret, Owner(endpoint.Tenant, endpoint.Id));

    private WebhookEndpoint Row(SqliteDataReader row) => new(
        row.GetString(0),
        row.GetString(1),
        row.GetString(2),
        box.Open(row.GetFieldValue<byte[]>(3), Owner(row.GetString(0), row.GetString(1))),
        JsonSerializer.Deserialize(row.GetString(4), StoredJson.Default.IReadOnlyListString)!,
        row.GetInt32(5) != 0,
        row.GetInt32(6),
        row.GetInt32(7) != 0,
        new(row.GetInt64(8), row.NumberOrNull(9), row.GetInt32(10), row.NumberOrNull(11), row.TextOrNull(12)));

    // Neither part may contain a slash, so no two webhooks share this.
    private static string Owner(string tenant, string id) => $"webhook/{tenant}/{id}/secret";
}
