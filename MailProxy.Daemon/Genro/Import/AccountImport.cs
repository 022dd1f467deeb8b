using System.Text.Json;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Accounts;
using MailProxy.Pipeline.Storage.Sqlite;

namespace MailProxy.Daemon.Genro.Import;

/// <summary>Takes over SMTP accounts.</summary>
internal sealed class AccountImport(ImportScope scope)
{
    private const int LongestColumn = 16_384;

    private static readonly string[] Columns =
    [
        "tenant_id",
        "id",
        "host",
        "port",
        "user",
        "ttl",
        "limit_per_minute",
        "limit_per_hour",
        "limit_per_day",
        "limit_behavior",
        "use_tls",
        "batch_size",
        "is_pec_account",
        "imap_host",
        "imap_port",
        "imap_user",
        "imap_folder",
        "password",
        "imap_password",
    ];

    private const int Plain = 17;

    private static readonly HashSet<string> Required = new(StringComparer.Ordinal) { "host", "port", "user", "password" };

    private readonly Dictionary<(string, string), Resource<SmtpAccount>> _there = scope
        .Store.All(AccountFields.Noun)
        .ToDictionary(static one => (one.Tenant, one.Id));

    public void Run()
    {
        foreach (var row in scope.Old.Rows(OldSchema.Accounts, Columns, LongestColumn))
            Take(row);
    }

    private void Take(ForeignRow row)
    {
        var tenant = scope.Schema.HasTenants ? row.Text(0) ?? Tenant.DefaultId : scope.UsualTenant;
        var id = row.Text(1) ?? "";
        var name = $"{tenant}/{id}";
        if (!scope.Wants(tenant))
            return;
        if (!scope.TenantsOf.TryGetValue(id, out var tenants))
            scope.TenantsOf.Add(id, tenants = []);
        if (!tenants.Contains(tenant))
            tenants.Add(tenant);
        var why =
            !IdSyntax.IsObjectId(id) ? $"its id is none here: {IdSyntax.ObjectRule}"
            : !scope.Tenants.ContainsKey(tenant) ? "its tenant is not there, or was left out"
            : scope.Accounts.ContainsKey((tenant, id)) ? "it is there twice"
            : null;
        if (why is null && _there.GetValueOrDefault((tenant, id)) is { } before)
        {
            scope.IsThere("account", name);
            if (before.Value is { } known)
                scope.Accounts.Add((tenant, id), known);
            return;
        }

        why ??= Make(tenant, id, Members(row, name), name);
        if (why is not null)
            scope.Tally.LeaveOut("account", name, why);
    }

    /// <summary>Null: it is made.</summary>
    private string? Make(string tenant, string id, JsonObject members, string name)
    {
        if (Read(members, name) is not var (request, kept))
            return "its host or port is missing or wrong, or its user or password is";
        using var json = JsonDocument.Parse(request.ToJsonString());
        var reader = new MemberReader(json.RootElement); // its host was a tenant's choice
        var account = AccountFields.Noun.Fields.Bind(reader, AccountFields.Noun.New(tenant, id), null);
        if (reader.Errors is [var first, ..])
            return $"{first.Pointer}: {first.Detail}";
        var made = scope.Store.Put(AccountFields.Noun, tenant, id, account).Value!;
        scope.Store.Keep(tenant, GenroAccounts.Kind, AccountDocument.Number(made), kept.ToJsonString());
        scope.Accounts.Add((tenant, id), made);
        scope.MadeAccounts.Add((tenant, id), made);
        scope.Tally.Hosts.Add(made.Host!);
        scope.Tally.Add("accounts");
        if (kept["is_pec_account"]?.GetValue<bool>() == true)
            scope.Tally.Note($"The account {name} is one of certified mail (PEC): it sends, and its receipts are not fetched.");
        return null;
    }

    // What the routes would have refused is left out, unless mail cannot be sent without it.
    private (JsonObject Request, JsonObject Kept)? Read(JsonObject members, string name)
    {
        while (true)
        {
            using var json = JsonDocument.Parse(members.ToJsonString());
            var reader = new GenroReader(json.RootElement);
            var read = AccountDocument.Read(reader, GenroForm.B);
            if (reader.Mistakes.Count == 0)
            {
                if (scope.Schema.TlsAtOnce && reader.Flag("use_tls") == true)
                    read.Request["security"] = "tls";
                return read;
            }

            foreach (var mistake in reader.Mistakes)
            {
                var member = (string)mistake.Place[1];
                if (Required.Contains(member))
                    return null;
                if (members.Remove(member))
                    scope.Tally.LeaveOut("account's member", $"{name}: {member}", mistake.Message);
            }
        }
    }

    private JsonObject Members(ForeignRow row, string name)
    {
        var members = new JsonObject();
        for (var i = 1; i < Plain; i++)
        {
            if (OldValues.Node(row, i) is { } value)
                members[Columns[i]] = value;
        }

        for (var i = Plain; i < Columns.Length; i++)
        {
            if (scope.Secrets.Open(row.Text(i), $"account {name}") is { } secret)
                members[Columns[i]] = secret;
        }

        return members;
    }
}
