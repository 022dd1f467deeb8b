using System.Globalization;
using System.Text.Json;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>
/// Purges what a plan found, in one transaction with the positions of the walks. Each is checked again, because a message may have become
/// active since it was found. On the writer's thread.
/// </summary>
internal sealed class PurgeWriter(Session session, EventRows events, long now)
{
    private const string IsOver = """
        SELECT NOT EXISTS (SELECT 1 FROM queue WHERE message = ?1)
            AND ?2 = (SELECT position FROM events INDEXED BY events_message WHERE message = ?1 ORDER BY sequence DESC LIMIT 1)
        """;

    private const string DeleteBody = "DELETE FROM bodies WHERE message = ?1 RETURNING spool";
    private const string DeleteRecipients = "DELETE FROM recipients WHERE message = ?1";
    private const string DeleteEvents = "DELETE FROM events WHERE message = ?1";
    private const string DeleteMessage = "DELETE FROM messages WHERE number = ?1";
    private const string DeleteEvent = "DELETE FROM events WHERE position = ?1 AND message IS NULL";

    private const string Floor =
        "INSERT INTO event_floors (tenant, position) VALUES (?1, ?2) ON CONFLICT (tenant) DO UPDATE SET position = "
        + "max(event_floors.position, excluded.position)";

    private const string Cursor =
        "INSERT INTO settings (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";

    private const string LetGo = """
        UPDATE webhooks SET acknowledged = max(acknowledged, ?3), batches = NULL
        WHERE tenant = ?1 AND id = ?2 AND (paused <> 0 OR disabled_at IS NOT NULL)
        """;

    private const string DeleteResends = "DELETE FROM webhook_resends WHERE tenant = ?1 AND webhook = ?2 AND position <= ?3";

    private readonly HashSet<Finished> _over = [];
    private readonly SortedDictionary<string, long> _floors = new(StringComparer.Ordinal);

    /// <summary>Spool files that no row names any more; they may be deleted after the commit.</summary>
    public List<string> Spool { get; } = [];

    public int Contents { get; private set; }

    public int Messages { get; private set; }

    public int Events { get; private set; }

    public void Write(PurgePlan plan)
    {
        FindOver(plan);
        PurgeContents(plan);
        foreach (var subject in plan.Records)
            PurgeRecord(subject);
        foreach (var (tenant, position) in _floors)
            session.Prepare(Floor).Add(tenant).Add(position).Post();
        foreach (var (subject, stage) in plan.Later)
            RetainedRows.Keep(session, subject, stage);
        foreach (var hold in plan.Drops)
            Drop(hold);
        if (plan.AttemptsBefore is { } before)
            AttemptRows.Forget(session, before);
        Move(PurgeReader.ContentCursor, plan.ContentCursor);
        Move(PurgeReader.MetadataCursor, plan.MetadataCursor);
    }

    // Nobody else writes meanwhile.
    private void FindOver(PurgePlan plan) =>
        session.AskEach(
            IsOver,
            [.. plan.Contents.Concat(plan.Records).Where(static subject => subject.Subject >= 0)],
            static (ask, subject) => ask.Add(subject.Subject).Add(subject.Position),
            (subject, row) =>
            {
                if (row?.Long(0) == 1)
                    _over.Add(subject);
            }
        );

    private void PurgeContents(PurgePlan plan)
    {
        foreach (var subject in plan.Contents)
            RetainedRows.ContentGone(session, subject.Subject);
        session.AskEach(
            DeleteBody,
            [.. plan.Contents.Concat(plan.Records).Where(_over.Contains).Select(static subject => subject.Subject)],
            static (delete, message) => delete.Add(message),
            (_, row) =>
            {
                if (row is null)
                    return;
                Contents++;
                if (row.TextOrNull(0) is { } file)
                    Spool.Add(file);
            }
        );
    }

    private void PurgeRecord(Finished subject)
    {
        RetainedRows.Delete(session, subject.Subject);
        if (subject.Subject < 0)
        {
            session.Prepare(DeleteEvent).Add(subject.Position).Post(deleted => Events += deleted);
        }
        else if (_over.Contains(subject))
        {
            AttemptRows.Clear(session, subject.Subject);
            session.Prepare(DeleteRecipients).Add(subject.Subject).Post();
            session.Prepare(DeleteEvents).Add(subject.Subject).Post(deleted => Events += deleted);
            session.Prepare(DeleteMessage).Add(subject.Subject).Post(deleted => Messages += deleted);
        }
        else
        {
            return;
        }

        _floors[subject.Tenant] = Math.Max(subject.Position, _floors.GetValueOrDefault(subject.Tenant));
    }

    private void Drop(HoldOver hold)
    {
        if (session.Prepare(LetGo).Add(hold.Tenant).Add(hold.Id).Add(hold.Through).Run() == 0)
            return;
        session.Prepare(DeleteResends).Add(hold.Tenant).Add(hold.Id).Add(hold.Through).Post();
        if (hold.Events == 0)
            return;
        var detail = EventDetail.Make(
            hold,
            static (Utf8JsonWriter json, HoldOver told) =>
            {
                json.WriteString("webhook"u8, told.Id);
                json.WriteString("reason"u8, "held_too_long"u8);
                json.WriteNumber("dropped"u8, told.Events);
            }
        );
        events.AppendOther(hold.Tenant, EventType.WebhookDisabled, null, detail, now);
    }

    private void Move(string cursor, long? to)
    {
        if (to is { } position)
            session.Prepare(Cursor).Add(cursor).Add(position.ToString(CultureInfo.InvariantCulture)).Post();
    }
}
