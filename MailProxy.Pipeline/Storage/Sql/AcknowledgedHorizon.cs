using System.Text.Json;
using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>
/// How far the webhooks of each tenant have been told: each of them has acknowledged, or does not want, everything up to that position. It
/// remembers what it has read. Used by one thread at a time.
/// </summary>
internal sealed class AcknowledgedHorizon
{
    private const string Webhooks =
        "SELECT tenant, id, acknowledged, version, types, final_only, style, paused <> 0 OR disabled_at IS NOT NULL FROM webhooks";

    // An event that an endpoint of style sync named in "error" does not count as reported, although the position has passed it.
    private const string Resends =
        "SELECT r.tenant, r.webhook, r.position, e.at FROM webhook_resends r JOIN events e ON e.position = r.position "
        + "ORDER BY r.tenant, r.webhook, r.position";

    private const string CountResends = "SELECT count(*) FROM webhook_resends WHERE tenant = ?1 AND webhook = ?2 AND position <= ?3";

    // Limits one reading; the next one continues from there.
    private const int Scan = 5_000;

    private readonly Dictionary<(string Tenant, string Id), Seen> _seen = [];
    private readonly Dictionary<string, Reach> _tenants = [];

    /// <summary>Paused or disabled webhooks with waiting events, and the time of the oldest event.</summary>
    public List<(string Tenant, string Id, long OldestAt)> Holding { get; } = [];

    /// <summary>Whether the last reading stopped early at one of the webhooks.</summary>
    public bool Partial { get; private set; }

    /// <summary>The position up to which every enabled webhook of the tenant has been told; without any, there is no limit.</summary>
    public long Reported(string tenant) => Of(tenant).Enabled;

    /// <summary>The same for all webhooks, including those that are paused or disabled.</summary>
    public long Held(string tenant) => Of(tenant).All;

    /// <summary>Whether an enabled webhook of the tenant has been owed an event since that time.</summary>
    public bool IsBehind(string tenant, long since) => Of(tenant).OwedSince <= since;

    public void Update(Session session)
    {
        _tenants.Clear();
        Holding.Clear();
        Partial = false;
        var resends = ReadResends(session);
        var endpoints = Read(session);
        foreach (var endpoint in endpoints)
        {
            var (tenant, id) = endpoint.Key;
            var seen = _seen[endpoint.Key] = Advance(session, endpoint);
            var (through, owedSince) = (seen.Through, seen.WaitingAt);
            if (resends.TryGetValue(endpoint.Key, out var resend))
                (through, owedSince) = (Math.Min(through, resend.Position - 1), Math.Min(owedSince ?? resend.At, resend.At));

            var reach = Of(tenant);
            _tenants[tenant] = endpoint.IsStopped
                ? reach with
                {
                    All = Math.Min(reach.All, through),
                }
                : new(
                    Math.Min(reach.Enabled, through),
                    Math.Min(reach.All, through),
                    Math.Min(reach.OwedSince, owedSince ?? long.MaxValue)
                );
            if (endpoint.IsStopped && owedSince is { } at)
                Holding.Add((tenant, id, at));
        }

        foreach (var deleted in _seen.Keys.Except(endpoints.Select(endpoint => endpoint.Key)).ToArray())
            _seen.Remove(deleted);
    }

    /// <summary>
    /// How many events wait for the webhook up to a position. Events about its being disabled are not counted; otherwise dropping them
    /// would be
    /// reported to it again and again.
    /// </summary>
    public long Count(Session session, string tenant, string id, long through)
    {
        var seen = _seen[(tenant, id)];
        var resends = session.Prepare(CountResends).Add(tenant).Add(id).Add(through).Scalar() ?? 0;
        return resends
            + EventPages.CountWanted(session, tenant, seen.Acknowledged, through, seen.Wanted, besides: EventType.WebhookDisabled);
    }

    private Reach Of(string tenant) => _tenants.GetValueOrDefault(tenant) ?? Reach.Endless;

    private Seen Advance(Session session, Endpoint endpoint)
    {
        if (
            !_seen.TryGetValue(endpoint.Key, out var seen)
            || seen.Acknowledged != endpoint.Acknowledged
            || seen.Version != endpoint.Version
        )
        {
            seen = new(endpoint.Acknowledged, endpoint.Version, endpoint.Wanted(), endpoint.Acknowledged, null);
        }

        if (seen.WaitingAt is not null)
            return seen;
        var (through, waitingAt, whole) = EventPages.FirstWanted(session, endpoint.Key.Tenant, seen.Through, seen.Wanted, Scan);
        Partial |= !whole;
        return seen with { Through = through, WaitingAt = waitingAt };
    }

    private static List<Endpoint> Read(Session session)
    {
        var endpoints = new List<Endpoint>();
        var row = session.Prepare(Webhooks);
        while (row.Step())
            endpoints.Add(
                new(
                    (row.Text(0), row.Text(1)),
                    row.Long(2),
                    row.Long(3),
                    row.Text(4),
                    row.Int(5) != 0,
                    (ReportStyle)row.Int(6),
                    row.Int(7) != 0
                )
            );
        return endpoints;
    }

    private static Dictionary<(string, string), (long Position, long At)> ReadResends(Session session)
    {
        var resends = new Dictionary<(string, string), (long, long)>();
        var row = session.Prepare(Resends);
        while (row.Step())
            resends.TryAdd((row.Text(0), row.Text(1)), (row.Long(2), row.Long(3))); // the first is the earliest
        return resends;
    }

    private sealed record Reach(long Enabled, long All, long OwedSince)
    {
        public static readonly Reach Endless = new(long.MaxValue, long.MaxValue, long.MaxValue);
    }

    /// <param name="Through">The position up to which events were read, none of which is owed.</param>
    /// <param name="WaitingAt">The time of the next event, which is wanted and not acknowledged; null when there is none yet.</param>
    private sealed record Seen(long Acknowledged, long Version, Subscription Wanted, long Through, long? WaitingAt);

    private sealed record Endpoint(
        (string Tenant, string Id) Key,
        long Acknowledged,
        long Version,
        string Types,
        bool FinalOnly,
        ReportStyle Style,
        bool IsStopped
    )
    {
        // Of a damaged endpoint, which nobody can tell of anything until it is mended, every event is kept.
        public Subscription Wanted()
        {
            try
            {
                return new(JsonSerializer.Deserialize(Types, StoredJson.Default.IReadOnlyListString)!, FinalOnly, Style);
            }
            catch (JsonException)
            {
                return new([], false, ReportStyle.Events);
            }
        }
    }
}
