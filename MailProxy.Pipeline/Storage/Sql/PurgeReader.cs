using System.Globalization;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>
/// Finds what may be purged. It walks the log once for the content of finished messages, and once, later, for everything else of them. On
/// a
/// reader's connection, so that the writer only deletes.
/// </summary>
/// <remarks>
/// Each walk reads the final event of a message once. What must be kept longer goes into the table retained, so that one tenant's
/// retention,
/// or one dead webhook, delays nobody else.
/// </remarks>
/// <param name="notBefore">When the held events of each webhook may be dropped again: once a day, since each drop is reported.</param>
/// <param name="afterTenant">The tenant after which the check of the table retained continues.</param>
/// <param name="last">The end of the log.</param>
internal sealed class PurgeReader(
    AcknowledgedHorizon horizon,
    RetentionRules rules,
    IReadOnlyDictionary<(string Tenant, string Id), long> notBefore,
    string afterTenant,
    long last,
    long now
)
{
    public const string ContentCursor = "retention_content";
    public const string MetadataCursor = "retention_metadata";

    // Limits of one slice: it occupies the writer for some milliseconds.
    private const int Scan = 1_000,
        Contents = 128,
        Records = 32,
        Aside = 256;

    // Where all are deleted at once, and each slice is a few ways to a server.
    private const int MostContents = 256,
        MostRecords = 64;

    // Limits how many tenants are checked in one slice; the next slice follows soon.
    private const int Tenants = 64;
    private const long NextTenants = 1_000;

    // A healthy webhook acknowledges sooner; only what waits longer is worth a row.
    private const long UsualDelay = 10_000;

    // If a message became active again, its later end counts, which the walk will reach.
    private const string Walk = """
        SELECT e.position, e.tenant, e.message, e.at, m.sequence = e.sequence AND q.message IS NULL, e.status
        FROM events e NOT INDEXED
            LEFT JOIN messages m ON m.number = e.message AND e.status >= 10
            LEFT JOIN queue q ON q.message = m.number
        WHERE e.position > ?1 ORDER BY e.position LIMIT ?2
        """;

    private const string Next = "SELECT at FROM events WHERE position > ?1 ORDER BY position LIMIT 1";

    private const string Setting = "SELECT value FROM settings WHERE name = ?1";

    private int _contents = Contents,
        _records = Records;

    public PurgePlan Read(Session session)
    {
        if (session.IsRemote)
            (_contents, _records) = (MostContents, MostRecords);
        var plan = new PurgePlan { More = horizon.Partial };
        WalkForContent(session, plan);
        WalkForMetadata(session, plan);
        CheckAttempts(session, plan);
        var tenants = RetainedRows.Tenants(session, afterTenant, Tenants);
        if (tenants.Count == Tenants)
        {
            plan.Tenant = tenants[^1];
            plan.Due(now + NextTenants);
        }

        foreach (var tenant in tenants)
        {
            CheckRetained(session, plan, tenant, RetainedRows.Content);
            CheckRetained(session, plan, tenant, RetainedRows.UndeliveredContent);
            CheckRetained(session, plan, tenant, RetainedRows.Everything);
        }

        foreach (var (tenant, id, oldestAt) in horizon.Holding)
            CheckHold(session, plan, tenant, id, oldestAt);
        return plan;
    }

    private void WalkForContent(Session session, PurgePlan plan)
    {
        var from = Cursor(session, ContentCursor);
        var (through, seen) = (from, 0);
        var row = session.Prepare(Walk).Add(from).Add(Scan);
        for (; row.Step(); seen++)
        {
            if (Finished(row, ofMessages: true) is { } subject)
            {
                var undelivered = RetentionRules.IsUndelivered((MessageState)row.Int(5));
                var age = rules.ContentFor(subject.Tenant, undelivered);
                if (age == 0 && subject.Position <= horizon.Reported(subject.Tenant))
                {
                    if (plan.Contents.Count == _contents)
                        break;
                    plan.Contents.Add(subject);
                }
                else if (
                    age == 0
                    && subject.At > now - UsualDelay
                    && subject.At <= now
                    && !horizon.IsBehind(subject.Tenant, now - UsualDelay)
                )
                {
                    plan.Due(subject.At + UsualDelay);
                    row.Reset();
                    plan.ContentCursor = Moved(from, through);
                    return;
                }
                else
                {
                    if (plan.Later.Count == Aside)
                        break;
                    plan.Later.Add((subject, undelivered ? RetainedRows.UndeliveredContent : RetainedRows.Content));
                    if (subject.At + age > now)
                        plan.Due(subject.At + age);
                }
            }

            through = row.Long(0);
        }

        row.Reset();
        plan.More |= seen == Scan || plan.Contents.Count == _contents || plan.Later.Count == Aside;
        plan.ContentCursor = Moved(from, through);
    }

    private void WalkForMetadata(Session session, PurgePlan plan)
    {
        var from = Cursor(session, MetadataCursor);
        var (through, seen, later) = (from, 0, 0);
        var age = (long)rules.Metadata.TotalMilliseconds;
        if (session.Prepare(Next).Add(from).Scalar() is not { } next)
            return;
        if (next > now - age)
        {
            plan.Due(next + age);
            return;
        }

        var row = session.Prepare(Walk).Add(from).Add(Scan);
        for (; row.Step(); seen++)
        {
            if (row.Long(3) > now - age)
            {
                plan.Due(row.Long(3) + age);
                row.Reset();
                plan.MetadataCursor = Moved(from, through);
                return;
            }

            if (Finished(row, ofMessages: false) is { } subject)
            {
                if (MayGo(subject))
                {
                    if (plan.Records.Count == _records)
                        break;
                    plan.Records.Add(subject);
                }
                else
                {
                    if (later == Aside)
                        break;
                    plan.Later.Add((subject, RetainedRows.Everything));
                    if (subject.At + rules.MetadataFor(subject.Tenant) is var due && due > now)
                        plan.Due(due);
                    later++;
                }
            }

            through = row.Long(0);
        }

        row.Reset();
        plan.More |= seen == Scan || plan.Records.Count == _records || later == Aside;
        plan.MetadataCursor = Moved(from, through);
    }

    private void CheckAttempts(Session session, PurgePlan plan)
    {
        var age = (long)rules.Dialogues.TotalMilliseconds;
        var (oldest, isSlice) = AttemptRows.Oldest(session, now - age);
        if (oldest is not { } at)
            return;
        if (at <= now - age)
            (plan.AttemptsBefore, plan.More) = (now - age, plan.More || isSlice);
        else
            plan.Due(at + age);
    }

    private void CheckRetained(Session session, PurgePlan plan, string tenant, int stage)
    {
        var content = stage != RetainedRows.Everything;
        var age = content ? rules.ContentFor(tenant, stage == RetainedRows.UndeliveredContent) : rules.MetadataFor(tenant);
        var limit = (content ? _contents : _records) - (content ? plan.Contents.Count : plan.Records.Count);
        var (due, next) = RetainedRows.Due(
            session,
            tenant,
            stage,
            content ? horizon.Reported(tenant) : horizon.Held(tenant),
            now - age,
            limit
        );
        if (content)
            plan.Contents.AddRange(due);
        else
            plan.Records.AddRange(due);
        if (due.Count == limit)
            plan.More = true;
        else if (next is { } at)
            plan.Due(at + age);
    }

    private void CheckHold(Session session, PurgePlan plan, string tenant, string id, long oldestAt)
    {
        var hold = (long)rules.Hold.TotalMilliseconds;
        var due = Math.Max(oldestAt + hold, notBefore.GetValueOrDefault((tenant, id)));
        if (due > now)
        {
            plan.Due(due);
            return;
        }

        var through = EventTimes.Before(session, now - hold + 1, last);
        plan.Drops.Add(new(tenant, id, through, horizon.Count(session, tenant, id, through)));
    }

    private bool MayGo(Finished subject) =>
        subject.At <= now - rules.MetadataFor(subject.Tenant) && subject.Position <= horizon.Held(subject.Tenant);

    /// <summary>The message or event that ends with this event; null when none does.</summary>
    private static Finished? Finished(Statement row, bool ofMessages)
    {
        var position = row.Long(0);
        if (row.IsNull(2))
            return ofMessages ? null : new(-position, row.Text(1), position, row.Long(3));
        return row.Int(4) == 0 ? null : new(row.Long(2), row.Text(1), position, row.Long(3));
    }

    private static long? Moved(long from, long through) => through > from ? through : null;

    private static long Cursor(Session session, string name)
    {
        var row = session.Prepare(Setting).Add(name);
        if (!row.Step())
            return 0;
        var cursor = long.Parse(row.Text(0), CultureInfo.InvariantCulture);
        row.Reset();
        return cursor;
    }
}
