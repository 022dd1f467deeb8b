using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MailProxy.Daemon.Genro.Import;

/// <summary>Takes over what is kept of the installation: its settings, as far as they are shown again, and the log of commands.</summary>
internal sealed class InstanceImport(ImportScope scope)
{
    private const int LongestColumn = 65_536,
        LongestEndpoint = 100;

    // As many as are answered at once.
    private const long MostCommands = 10_000;

    public void Run()
    {
        if (scope.Request.Tenant is null)
            TakeSettings();
        TakeCommands();
    }

    private void TakeSettings()
    {
        string[] columns = [.. GenroInstance.Members, "api_token", "config"];
        foreach (var row in scope.Old.Rows("instance", columns, LongestColumn))
        {
            var members = OldValues.ObjectIn(scope.Secrets.Open(row.Text(columns.Length - 1), "the instance")) ?? [];
            for (var i = 0; i < GenroInstance.Members.Count; i++)
            {
                if (OldValues.Node(row, i) is { } value)
                    members[columns[i]] =
                        value.GetValueKind() == JsonValueKind.String ? scope.Secrets.Open((string)value!, "the instance") : value;
            }

            if (row.Text(columns.Length - 2) is { Length: > 0 })
                scope.Tally.Note(
                    "Its operator's token was in the database: set Genro:AdminToken to it, or clients of the operator are refused."
                );
            if (members["bounce_enabled"] is JsonValue enabled && GenroReader.Word(enabled.ToString()) == true)
                scope.Tally.Note("Bounces were fetched by IMAP: MailProxy does not fetch them. Their settings are kept, and are not used.");
            if (scope.Store.Document("", GenroInstance.Kind, GenroInstance.Id) is null && GenroInstance.Kept(members) is { } kept)
                scope.Store.Keep("", GenroInstance.Kind, GenroInstance.Id, kept);
            break;
        }
    }

    private void TakeCommands()
    {
        string[] columns = ["command_ts", "endpoint", "tenant_id", "payload", "response_status"];
        var last = 0L;
        foreach (var row in scope.Old.Rows("command_log", ["id"], LongestColumn))
            last = Math.Max(last, row.Number(0) ?? 0);
        foreach (var row in scope.Old.Rows("command_log", columns, LongestColumn, ("id", last - MostCommands)))
        {
            var (tenant, endpoint) = (row.Text(2), OldValues.Cut(row.Text(1) ?? "", LongestEndpoint));
            if (tenant is null ? scope.Request.Tenant is not null || scope.Request.Merge : !scope.Tenants.GetValueOrDefault(tenant))
                continue;
            using var payload = row.Text(3) is { } text ? OldValues.Object(Encoding.UTF8.GetBytes(text), strict: true) : null;
            if (payload is null)
                continue;
            var noted =
                endpoint == "addMessages"
                    ? SubmittedText.OfMany(payload.RootElement)
                    : GenroCommands.Payload(payload.RootElement).ToJsonString();
            var at = OldValues.Past(row.Number(0), scope.Store.Now);
            scope.Store.Note(new(0, at, endpoint, tenant, noted, (int)Math.Clamp(row.Number(4) ?? 200, 0, 999)));
            scope.Tally.Add("commands of the log");
        }
    }
}
