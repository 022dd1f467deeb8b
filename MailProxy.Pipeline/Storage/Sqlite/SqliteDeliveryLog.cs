using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Network;
using Microsoft.Data.Sqlite;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>The event log, and the progress of each webhook. Reading never waits for the writer.</summary>
public sealed class SqliteDeliveryLog(SqliteDatabase database, SecretBox box, TimeProvider clock) : IDeliveryLog
{
    private static readonly TimeSpan BetweenTries = TimeSpan.FromSeconds(1);

    private readonly CommitLoop _writer = database.Writer;
    private readonly SqliteReaders _readers = database.Readers;
    private readonly EventSignal _signal = database.Events;
    private readonly WebhookRows _rows = new(box);

    public long Last => _signal.Last;

    public Task WaitBeyondAsync(long position, CancellationToken cancel) => _signal.WaitBeyondAsync(position, cancel);

    public Task WaitBeyondAsync(string tenant, long position, CancellationToken cancel) =>
        _signal.WaitBeyondAsync(tenant, position, cancel);

    public Task<(IReadOnlyList<MailEvent> Events, long Through)> ReadAsync(string tenant, long after, int limit) =>
        _readers.SnapshotAsync(session => EventPages.OfTenant(session, database.Generations, tenant, after, limit));

    public Task<IReadOnlyList<MailEvent>> AtAsync(string tenant, IReadOnlyCollection<long> positions) =>
        _readers.SnapshotAsync<IReadOnlyList<MailEvent>>(session =>
            [.. positions.Order().Select(position => EventPages.At(session, database.Generations, tenant, position)).OfType<MailEvent>()]
        );

    public Task<long> FloorAsync(string tenant) =>
        _readers.ReadAsync(db => db.QueryNumber("SELECT position FROM event_floors WHERE tenant = @tenant", ("@tenant", tenant)) ?? 0);

    public Task AppendAsync(string tenant, EventType type, AccountKey? account, byte[]? detail, long at) =>
        _writer.WriteAsync(_ =>
        {
            _writer.Events.AppendOther(tenant, type, account, detail, at);
            return true;
        });

    public Task<IReadOnlyList<WebhookEndpoint>> EndpointsAsync() => _readers.ReadAsync<IReadOnlyList<WebhookEndpoint>>(_rows.All);

    public Task<bool> PutEndpointAsync(WebhookEndpoint endpoint, string actor) =>
        _writer.WriteAsync(db =>
        {
            var before = _rows.Find(db, endpoint.Tenant, endpoint.Id);
            if (before is null)
            {
                ArgumentException.ThrowIfNullOrEmpty(endpoint.Secret);
                _rows.Insert(db, endpoint, _writer.Events.Last);
                Audit(db, actor, "webhook.create", endpoint, null, Audited(endpoint));
                return true;
            }

            _rows.Update(db, endpoint);
            WebhookRows.OweFromTheFirst(db, endpoint);
            if (before.Url != endpoint.Url)
                Enable(db, before); // a new address begins without the failures of the old one
            var secret = endpoint.Secret.Length > 0 && endpoint.Secret != before.Secret;
            var action = secret && endpoint.PreviousSecret is not null ? "webhook.rotate_secret" : "webhook.replace";
            Audit(
                db,
                actor,
                action,
                endpoint,
                Audited(before),
                Audited(_rows.Find(db, endpoint.Tenant, endpoint.Id)!) with
                {
                    SecretChanged = secret,
                    AuthChanged = endpoint.Auth != before.Auth,
                }
            );
            return false;
        });

    public Task<WebhookEndpoint?> SetPausedAsync(string tenant, string id, bool paused, string actor) =>
        _writer.WriteAsync(db =>
        {
            if (_rows.Find(db, tenant, id) is not { } before)
                return null;
            _rows.Update(db, before with { Paused = paused, Secret = "" });
            if (!paused)
                Enable(db, before);
            var after = _rows.Find(db, tenant, id)!;
            if (before.Paused != paused || before.Progress.DisabledAt != after.Progress.DisabledAt)
                Audit(db, actor, paused ? "webhook.pause" : "webhook.resume", after, Audited(before), Audited(after));
            return after;
        });

    public Task<bool> DeleteEndpointAsync(string tenant, string id, string actor) =>
        _writer.WriteAsync(db =>
        {
            if (_rows.Find(db, tenant, id) is not { } endpoint)
                return false;
            WebhookRows.Delete(db, tenant, id);
            Audit(db, actor, "webhook.delete", endpoint, Audited(endpoint), null);
            return true;
        });

    public Task<WebhookEndpoint?> ReplayAsync(string tenant, string id, long from, long to, string actor) =>
        _writer.WriteAsync(db =>
        {
            if (_rows.Find(db, tenant, id) is not { } endpoint)
                return null;
            var last = endpoint.Progress.Acknowledged;
            WebhookRows.BeginReplay(
                db,
                tenant,
                id,
                EventTimes.Before(_writer.Session, from, last),
                EventTimes.Before(_writer.Session, to + 1, last)
            );
            AuditRows.Append(db, Now(), actor, "webhook.replay", $"webhook/{tenant}/{id}", null, new AuditedReplay(from, to).ToJson());
            return _rows.Find(db, tenant, id);
        });

    public Task<EndpointBacklog> BacklogAsync(WebhookEndpoint endpoint) =>
        _readers.SnapshotAsync(session =>
        {
            var ahead = EventPages.Backlog(session, endpoint.Tenant, endpoint.Progress.Acknowledged, Subscription.Of(endpoint));
            var again = endpoint.Progress.Resends;
            if (again.IsEmpty)
                return ahead;
            var first = EventPages.At(session, database.Generations, endpoint.Tenant, again.Keys.First());
            return ahead with { Events = ahead.Events + again.Count, OldestAt = first?.At ?? ahead.OldestAt };
        });

    public async Task SaveProgressAsync(WebhookEndpoint endpoint, EndpointProgress progress)
    {
        while (true)
        {
            try
            {
                await _writer.WriteAsync(db => WebhookRows.SaveProgress(db, _writer.Session, endpoint, progress));
                return;
            }
            catch (StoreUnavailableException) when (!_writer.Completion.IsCompleted)
            {
                await Task.Delay(BetweenTries, clock);
            }
        }
    }

    private void Audit(
        SqliteConnection db,
        string actor,
        string action,
        WebhookEndpoint endpoint,
        AuditedWebhook? before,
        AuditedWebhook? after
    ) => AuditRows.Append(db, Now(), actor, action, $"webhook/{endpoint.Tenant}/{endpoint.Id}", before?.ToJson(), after?.ToJson());

    // Only for a disabled endpoint, because the reporter writes the progress of the others.
    private void Enable(SqliteConnection db, WebhookEndpoint endpoint)
    {
        if (endpoint.Progress.DisabledAt is not null)
            WebhookRows.SaveProgress(db, _writer.Session, endpoint, endpoint.Progress.Cleared());
    }

    internal static AuditedWebhook Audited(WebhookEndpoint endpoint) =>
        new(
            ShownUrl.Of(endpoint.Url),
            endpoint.Style.Name(),
            endpoint.Types,
            endpoint.FinalOnly,
            endpoint.MaxBatch,
            endpoint.Paused,
            endpoint.Progress.DisabledAt is null ? null : true,
            endpoint.Auth is not null
        );

    private long Now() => clock.GetUtcNow().ToUnixTimeMilliseconds();
}
