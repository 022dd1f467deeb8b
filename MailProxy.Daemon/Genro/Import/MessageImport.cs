using System.Collections.Concurrent;
using System.Text.Json;
using MailProxy.Pipeline.Intake;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage.Sql;
using MailProxy.Pipeline.Storage.Sqlite;

namespace MailProxy.Daemon.Genro.Import;

/// <summary>
/// Takes over messages with what was reported of them. One thread reads and judges, the store's writer writes; between them are few and
/// small pieces, however large the old database is.
/// </summary>
internal sealed class MessageImport(
    ImportScope scope,
    OldMail mail,
    SpooledBodies spool,
    IngestOptions limits,
    Action<ImportProgress> progress
)
{
    private const int PieceMessages = 256,
        PieceBytes = 2 << 20,
        PiecesAhead = 4,
        MostEvents = 10_000;

    private static readonly string[] Columns =
    [
        "id",
        "tenant_id",
        "account_id",
        "priority",
        "payload",
        "batch_code",
        "created_at",
        "deferred_ts",
        "smtp_ts",
        "sent_ts",
        "error_ts",
        "error",
        "reported_ts",
        "pk",
    ];

    private readonly Dictionary<string, long> _reportedAt = new(StringComparer.Ordinal);

    public void Run()
    {
        var all = scope.Old.Count(OldSchema.Messages);
        using var pieces = new BlockingCollection<List<JudgedRow>>(PiecesAhead);
        using var enough = new CancellationTokenSource();
        var reading = Task.Run(() => ReadAsync(pieces, enough.Token));
        try
        {
            var done = 0L;
            foreach (var piece in pieces.GetConsumingEnumerable())
            {
                foreach (var item in piece)
                    Take(item);
                scope.RefuseWhatIsThere();
                progress(new("messages", done += piece.Count, all));
            }
        }
        catch
        {
            enough.Cancel();
            while (pieces.TryTake(out _, Timeout.Infinite)) { }
            throw;
        }

        reading.GetAwaiter().GetResult();
        foreach (var tenant in scope.Tenants.Keys.Except(scope.Reporting))
            scope.Store.Acknowledge(tenant, _reportedAt.GetValueOrDefault(tenant, scope.Store.Now));
    }

    private void Take(JudgedRow item)
    {
        if (item.Mail is not { } imported)
        {
            scope.Tally.LeaveOut("message", item.Name, item.Why ?? "");
            return;
        }

        if (scope.Reporting.Contains(imported.Mail.Key.Tenant))
            imported = Untold(imported, item.Name);
        switch (scope.Store.Add(imported))
        {
            case ImportedAs.Known:
                scope.IsThere("message", item.Name);
                return;
            case ImportedAs.Twice:
                scope.Tally.LeaveOut("message", item.Name, "it is there twice");
                return;
        }

        scope.Tally.Add(
            imported.State switch
            {
                MessageState.Sent => "sent messages, remembered",
                MessageState.Failed => "failed messages, remembered",
                MessageState.Deferred => "deferred messages",
                MessageState.Scheduled => "scheduled messages",
                _ => "waiting messages",
            }
        );
        var tenant = imported.Mail.Key.Tenant;
        if (item.ReportedAt is { } at && at > _reportedAt.GetValueOrDefault(tenant))
            _reportedAt[tenant] = at;
    }

    // Without what was reported of it, which would be reported once more behind what is under way.
    private ImportedMail Untold(ImportedMail imported, string name)
    {
        if (!imported.State.IsFinal())
            return imported with { Events = [imported.Events[0]] };
        if (imported.Events.Count == 0 || scope.Store.Has(imported.Mail.Key))
            return imported;
        throw new ImportRefusedException(
            $"Reports of the tenant '{imported.Mail.Key.Tenant}' are under way in the store, and that of the message {name} is over. Start "
                + "the daemon until they are told, and import then."
        );
    }

    private async Task ReadAsync(BlockingCollection<List<JudgedRow>> pieces, CancellationToken stop)
    {
        try
        {
            var lookup = scope.Schema.EndsInRow
                ? null
                : scope.Old.Lookup(OldSchema.Events, scope.Schema.EventKey, OldEvents.Columns, OldEvents.LongestColumn);
            var (piece, bytes) = (new List<JudgedRow>(PieceMessages), 0L);
            foreach (var row in scope.Old.Rows(OldSchema.Messages, Columns, limits.MaxRequestBytes))
            {
                if (Read(row, lookup) is not { } item)
                    continue;
                bytes += item.Mail?.Mail.Body.Size ?? 0;
                piece.Add(await spool.WriteAsync(item));
                if (piece.Count < PieceMessages && bytes < PieceBytes)
                    continue;
                pieces.Add(piece, stop);
                (piece, bytes) = (new(PieceMessages), 0);
            }

            pieces.Add(piece, stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Whoever takes the pieces has found a reason to end.
        }
        finally
        {
            pieces.CompleteAdding();
        }
    }

    /// <summary>Null: it is of a tenant that nobody asked for.</summary>
    private JudgedRow? Read(ForeignRow row, ForeignLookup? lookup)
    {
        var (id, account) = (row.Text(0) ?? "", row.Text(2) ?? "");
        if (Tenant(row, account) is not { } tenant)
            return scope.Request.Tenant is null || !scope.Schema.HasTenants
                ? new(id, null, "its account is not there, so nobody knows its tenant", null)
                : null;
        if (!scope.Wants(tenant))
            return null;
        var name = $"{tenant}/{id}";
        if (!scope.Tenants.ContainsKey(tenant))
            return new(name, null, "its tenant is not there, or was left out", null);
        if (!IdSyntax.IsMessageId(id))
            return new(name, null, $"its id is none here: {IdSyntax.MessageRule}", null);
        try
        {
            return Read(row, new(tenant, id, account, row.Number(3), row.Number(7), row.Text(5)), name, Events(row, lookup));
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or ArgumentException or FormatException)
        {
            // A value that nobody has thought of must not keep a million others from moving.
            return new(name, null, $"it cannot be read ({error.GetType().Name})", null);
        }
    }

    private JudgedRow Read(ForeignRow row, OldColumns columns, string name, IReadOnlyList<OldEvent> events)
    {
        var createdAt = Math.Clamp(OldValues.Time(row, 6) ?? scope.Store.Now, 0, scope.Store.Now);
        var reportedAt = events.Count == 0 ? null : events.Max(static one => one.ReportedAt);
        var (sentAt, failedAt) = (row.Number(9), row.Number(10));
        var isOver =
            !row.IsNull(8) || sentAt is not null || failedAt is not null || events.Any(static one => one.Type == EventType.MessageSent);
        using var payload = row.Bytes(4) is { } bytes ? OldValues.Object(bytes) : null;
        if (isOver)
        {
            var endedAt = OldValues.Past(row.Number(8) ?? sentAt ?? failedAt, scope.Store.Now);
            return new(name, mail.Over(payload?.RootElement, columns, createdAt, events, endedAt), null, reportedAt);
        }

        if (payload is null)
            return new(
                name,
                null,
                row.IsCut(4) ? $"it is larger than {limits.MaxRequestBytes} bytes" : "its payload is no JSON object",
                null
            );
        var (waiting, why) = mail.Waiting(payload.RootElement, columns, createdAt, events);
        return new(name, waiting, why, reportedAt);
    }

    private string? Tenant(ForeignRow row, string account)
    {
        if (!scope.Schema.HasTenants)
            return scope.UsualTenant;
        if (scope.Schema.TenantInMessage || !row.IsNull(1))
            return row.Text(1) ?? "";
        return scope.TenantsOf.GetValueOrDefault(account) is [var only] ? only : null;
    }

    // Where the row has the end itself, there is one event, and nothing of what came before.
    private List<OldEvent> Events(ForeignRow row, ForeignLookup? lookup)
    {
        var events = new List<OldEvent>();
        if (lookup is not null)
        {
            foreach (var one in lookup.Of(row.Text(scope.Schema.MessageKey == "pk" ? 13 : 0) ?? "").Take(MostEvents))
            {
                if (OldEvents.Read(one, scope.Store.Now) is { } read)
                    events.Add(read);
            }
        }
        else if (OldEvents.OfRow(row.Number(9), row.Number(10), row.Text(11), row.Number(12), scope.Store.Now) is { } end)
        {
            events.Add(end);
        }

        return events;
    }
}
