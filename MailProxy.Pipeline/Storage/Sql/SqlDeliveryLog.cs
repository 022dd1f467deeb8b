using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>The event log, and the progress of each webhook. Reading never waits for the writer.</summary>
public sealed class SqlDeliveryLog(StoreDatabase database, SecretBox box, TimeProvider clock) : IDeliveryLog
{
    private static readonly TimeSpan BetweenTries = TimeSpan.FromSeconds(1);

    private readonly CommitLoop _writer = database.Writer;
    private readonly StoreReaders _readers = database.Readers;
    private readonly EventSignal _signal = database.Events;
    private readonly ConfigurationRows<WebhookEndpoint> _rows = new(WebhookFields.Noun, box);

    public long Last => _signal.Last;

    public async Task<long> LastAsync()
    {
        if (!database.Nodes.IsShared)
            return Last;
        var last = await _readers.ReadAsync(static session => session.LastNumber("events"));
        _signal.Saw(last);
        return Math.Max(last, Last);
    }

    public Task WaitBeyondAsync(long position, CancellationToken cancel) => _signal.WaitBeyondAsync(position, cancel);

    public Task WaitBeyondAsync(string tenant, long position, CancellationToken cancel) =>
        _signal.WaitBeyondAsync(tenant, position, cancel);

    public async Task<(IReadOnlyList<MailEvent> Events, long Through)> ReadAsync(string tenant, long after, int limit)
    {
        var page = await _readers.SnapshotAsync(session =>
            EventPages.OfTenant(session, database.Generations, database.Traces, tenant, after, limit)
        );
        if (page.Through > after)
            _signal.Saw(page.Through);
        return page;
    }

    public Task<IReadOnlyList<MailEvent>> AtAsync(string tenant, IReadOnlyCollection<long> positions) =>
        _readers.SnapshotAsync<IReadOnlyList<MailEvent>>(session =>
            [
                .. positions
                    .Order()
                    .Select(position => EventPages.At(session, database.Generations, database.Traces, tenant, position))
                    .OfType<MailEvent>(),
            ]
        );

    public Task<long> FloorAsync(string tenant) =>
        _readers.ReadAsync(session => session.QueryNumber("SELECT position FROM event_floors WHERE tenant = ?1", tenant) ?? 0);

    public Task AppendAsync(string tenant, EventType type, AccountKey? account, byte[]? detail, long at) =>
        _writer.WriteAsync(_ =>
        {
            _writer.Events.AppendOther(tenant, type, account, detail, at);
            return true;
        });

    public Task<IReadOnlyList<WebhookEndpoint>> EndpointsAsync() =>
        _readers.SnapshotAsync<IReadOnlyList<WebhookEndpoint>>(session =>
        {
            // In one snapshot: a lane must not begin with one version of an endpoint and the position of another.
            var progress = ProgressRows.All(session);
            var whole = _rows.All(session).Select(static resource => resource.Value).OfType<WebhookEndpoint>();
            return [.. whole.Select(endpoint => endpoint with { Progress = progress[(endpoint.Tenant, endpoint.Id)] })];
        });

    public Task<EndpointProgress?> ProgressAsync(string tenant, string id) =>
        _readers.SnapshotAsync(session => ProgressRows.Find(session, tenant, id));

    public Task<bool> ReplayAsync(string tenant, string id, long from, long to, string actor) =>
        _writer.WriteAsync(session =>
        {
            if (ProgressRows.Find(session, tenant, id) is not { Acknowledged: var last })
                return false;
            var (after, through) = (EventTimes.Before(_writer.Session, from, last), EventTimes.Before(_writer.Session, to + 1, last));
            ProgressRows.BeginReplay(session, tenant, id, after, through);
            var subject = WebhookFields.Noun.Subject(tenant, id);
            AuditRows.Append(session, Now(), actor, "webhook.replay", subject, null, new AuditedReplay(from, to).ToJson());
            return true;
        });

    public Task<EndpointBacklog> BacklogAsync(WebhookEndpoint endpoint) =>
        _readers.SnapshotAsync(session =>
        {
            var ahead = EventPages.Backlog(session, endpoint.Tenant, endpoint.Progress.Acknowledged, Subscription.Of(endpoint));
            var again = endpoint.Progress.Resends;
            if (again.IsEmpty)
                return ahead;
            var first = EventPages.At(session, database.Generations, database.Traces, endpoint.Tenant, again.Keys.First());
            return ahead with { Events = ahead.Events + again.Count, OldestAt = first?.At ?? ahead.OldestAt };
        });

    public async Task SaveProgressAsync(WebhookEndpoint endpoint, EndpointProgress progress)
    {
        while (true)
        {
            try
            {
                await _writer.WriteAsync(session => ProgressRows.Save(session, endpoint, progress, Now()));
                return;
            }
            catch (StoreUnavailableException) when (!_writer.Completion.IsCompleted)
            {
                await Task.Delay(BetweenTries, clock);
            }
        }
    }

    private long Now() => clock.GetUtcNow().ToUnixTimeMilliseconds();
}
