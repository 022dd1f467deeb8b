using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Storage.Sqlite;

namespace MailProxy.Daemon.Genro.Import;

/// <summary>Takes over what nobody was told yet, behind everything that counts as told: the first report has it.</summary>
internal sealed class ReportImport(ImportScope scope, Action<ImportProgress> progress)
{
    private const int LongestColumn = 16_384,
        Piece = 10_000;

    private readonly HashSet<string> _reporting = [.. scope.Store.All(WebhookFields.Noun).Select(static one => one.Tenant)];
    private readonly Dictionary<string, long> _untold = new(StringComparer.Ordinal);
    private long _done;

    public void Run()
    {
        if (scope.Schema.EndsInRow)
            OfMessages();
        else
            OfEvents();
        foreach (var (tenant, count) in _untold)
        {
            scope.Tally.Note(
                $"{count} events of the tenant '{tenant}' were not reported, and it has no address for reports: nobody will be told."
            );
        }
    }

    private void OfMessages()
    {
        string[] columns = ["id", "tenant_id", "account_id", "sent_ts", "error_ts", "error"];
        foreach (var row in scope.Old.Rows(OldSchema.Messages, columns, LongestColumn, ("reported_ts", null)))
        {
            if (OldEvents.OfRow(row.Number(3), row.Number(4), row.Text(5), null, scope.Store.Now) is { } end)
                Tell(row, 0, end);
        }
    }

    private void OfEvents()
    {
        var messages = scope.Old.Lookup(
            OldSchema.Messages,
            scope.Schema.MessageKey,
            ["id", "tenant_id", "account_id"],
            LongestColumn,
            (OldSchema.Events, scope.Schema.EventKey, "reported_ts")
        );
        string[] columns = [.. OldEvents.Columns, scope.Schema.EventKey];
        foreach (var row in scope.Old.Rows(OldSchema.Events, columns, OldEvents.LongestColumn, ("reported_ts", null)))
        {
            var (key, kind) = (row.Text(columns.Length - 1) ?? "", row.Text(0) ?? "");
            var read = OldEvents.Read(row, scope.Store.Now);
            var isThere = false;
            foreach (var message in messages.Of(key))
            {
                isThere = true;
                if (read is { } one)
                    Tell(message, 0, one);
                else if (Tenant(message, 0) is { } tenant && scope.Tenants.ContainsKey(tenant))
                    scope.Tally.LeaveOut("event", $"{tenant}/{message.Text(0)}", Why(kind));
                break;
            }

            if (!isThere && scope.Request.Tenant is null)
                scope.Tally.LeaveOut("event", key, "its message is not there");
        }
    }

    private void Tell(ForeignRow message, int first, OldEvent one)
    {
        if (++_done % Piece == 0)
            progress(new("events", _done, 0));
        if (Tenant(message, first) is not { } tenant || !scope.Tenants.ContainsKey(tenant))
            return;
        var id = message.Text(first) ?? "";
        if (!scope.Store.Tell(new(tenant, id), one.Type, one.At, one.Detail))
            scope.Tally.LeaveOut("event", $"{tenant}/{id}", "its message was left out, or a later event was told");
        else if (_reporting.Contains(tenant))
            scope.Tally.Add("events for the first report");
        else
            _untold[tenant] = _untold.GetValueOrDefault(tenant) + 1;
    }

    private string? Tenant(ForeignRow message, int first) =>
        !scope.Schema.HasTenants ? scope.UsualTenant
        : message.Text(first + 1) is { } named ? named
        : scope.TenantsOf.GetValueOrDefault(message.Text(first + 2) ?? "") is [var only] ? only
        : null;

    private static string Why(string kind) =>
        kind.StartsWith("pec_", StringComparison.Ordinal)
            ? "receipts of certified mail (PEC) are not reported here"
            : "there is no such kind of event here";
}
