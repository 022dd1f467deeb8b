using System.Text.Json;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Keys;
using MailProxy.Pipeline.Configuration.Tenants;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Storage.Sql;
using MailProxy.Pipeline.Storage.Sqlite;

namespace MailProxy.Daemon.Genro.Import;

/// <summary>Takes over tenants, each with its key, its webhook, its volume for large files and its suspended batches.</summary>
internal sealed class TenantImport(ImportScope scope)
{
    private const int LongestColumn = 65_536,
        MostBatches = 10_000;

    private static readonly string[] Columns =
    [
        "id",
        "name",
        "client_base_url",
        "client_sync_path",
        "client_attachment_path",
        "active",
        "client_auth",
        "rate_limits",
        "large_file_config",
        "suspended_batches",
        "api_key_hash",
        "api_key_expires_at",
    ];

    private const int Plain = 6,
        Objects = 9,
        Suspended = 9,
        KeyHash = 10,
        KeyEnd = 11;

    private readonly ImportTransaction _store = scope.Store;
    private readonly Dictionary<string, Resource<Tenant>> _there = scope.Store.All(TenantFields.Noun).ToDictionary(static one => one.Id);
    private readonly HashSet<string> _keys =
    [
        .. scope
            .Store.All(KeyFields.Noun)
            .Select(static one => one.Value)
            .OfType<TenantKey>()
            .Select(static key => Convert.ToHexString(key.Hash)),
    ];

    public void Run()
    {
        if (!scope.Schema.HasTenants)
        {
            Take(scope.UsualTenant, OfEnvironment(), all: false, batches: [], isNamed: false);
            return;
        }

        foreach (var row in scope.Old.Rows(OldSchema.Tenants, Columns, LongestColumn))
            Take(row);
        if (scope.Request.Tenant is { } named && !scope.Tenants.ContainsKey(named))
            throw new ImportRefusedException($"There is no tenant '{named}' in '{scope.Old.Path}', or it cannot be imported.");
    }

    private void Take(ForeignRow row)
    {
        var id = row.Text(0) ?? "";
        if (!scope.Wants(id))
            return;
        if (!IdSyntax.IsObjectId(id))
        {
            scope.Tally.LeaveOut("tenant", id, $"its id is none here: {IdSyntax.ObjectRule}");
            return;
        }

        if (scope.Tenants.ContainsKey(id))
        {
            scope.Tally.LeaveOut("tenant", id, "it is there twice");
            return;
        }

        var codes = (row.Text(Suspended) ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        var batches = codes.Where(static code => code != "*").Take(MostBatches);
        if (Take(id, Members(row, id), codes.Contains("*"), batches, isNamed: true))
            TakeKey(row, id);
    }

    /// <summary>Whether the import has made it.</summary>
    private bool Take(string id, JsonObject members, bool all, IEnumerable<string> batches, bool isNamed)
    {
        if (_store.IsBeingRemoved(id))
            throw new ImportRefusedException(
                $"Mail of a deleted tenant '{id}' is still removed from the store. Start the daemon until it is done, and import then."
            );
        var before = _there.GetValueOrDefault(id);
        var isMade = before is null || IsUntouched(id);
        if (!isMade)
        {
            if (isNamed)
                scope.IsThere("tenant", id);
            if (!_store.IsReported(id))
                scope.Reporting.Add(id);
            if (all)
                scope.Tally.Note($"The tenant '{id}' was suspended as a whole; in this store it is as it was.");
        }

        scope.Tenants.Add(id, isMade);
        foreach (var code in batches)
            Suspend(id, code);
        if (isMade)
            Make(id, Document(id, members), before, all);
        return isMade;
    }

    private void Make(string id, TenantDocument document, Resource<Tenant>? before, bool all)
    {
        if (document.StorageUrl is { } place)
        {
            var (volume, _) = GenroVolume.Read(GenroVolume.Config(place), id, GenroVolume.Id, null, isAdmin: true, scope.IsProtected);
            _store.Put(VolumeFields.Noun, id, GenroVolume.Id, volume!);
        }

        _store.Put(TenantFields.Noun, id, id, GenroTenants.With(GenroTenants.New(id), document) with { Active = !all }, before);
        _store.Keep(id, TenantDocument.Kind, id, document.Text);
        if (GenroTenants.Webhook(id, null, document) is { } webhook)
        {
            _store.Put(WebhookFields.Noun, id, GenroTenants.Own, webhook);
            scope.Tally.Hosts.Add(document.SyncUrl!.Host);
        }

        scope.Tally.Add("tenants");
    }

    private void TakeKey(ForeignRow row, string id)
    {
        if (row.Text(KeyHash) is not { Length: > 0 } hash)
            return;
        if (hash.Length != 64 || !hash.All(char.IsAsciiHexDigit))
        {
            scope.Tally.LeaveOut("key", id, "it is no SHA-256: make a new one");
            return;
        }

        if (!_keys.Add(hash.ToUpperInvariant()))
        {
            scope.Tally.LeaveOut("key", id, "another tenant has the same: make a new one");
            return;
        }

        var ends = OldValues.Time(row, KeyEnd);
        if (ends is null && !row.IsNull(KeyEnd))
        {
            scope.Tally.LeaveOut("key", id, "nobody can read when it expires: make a new one");
            return;
        }

        _store.Put(KeyFields.Noun, id, GenroTenants.Own, GenroTenants.Key(id, Convert.FromHexString(hash), _store.Now, ends));
        scope.Tally.Add("keys");
    }

    private void Suspend(string id, string code)
    {
        var name = GenroBatches.NameOf(code);
        if (name != code)
            _store.Keep(id, GenroBatches.Kind, name, OldValues.Cut(code, 1_000));
        _store.Suspend(id, name);
        scope.Tally.Add("suspended batches");
    }

    /// <summary>What its routes would have read; members that they would have refused are left out.</summary>
    private TenantDocument Document(string id, JsonObject members)
    {
        while (true)
        {
            using var json = JsonDocument.Parse(members.ToJsonString());
            var reader = new GenroReader(json.RootElement);
            var document = TenantDocument.Read(reader, before: null);
            string? fault = null;
            if (reader.Mistakes.Count == 0 && document.StorageUrl is { } place)
                (_, fault) = GenroVolume.Read(GenroVolume.Config(place), id, GenroVolume.Id, null, isAdmin: true, scope.IsProtected);
            if (fault is not null)
                reader.Fault("large_file_config", "value_error", fault);
            if (reader.Mistakes.Count == 0)
                return document;
            foreach (var mistake in reader.Mistakes)
            {
                var name = (string)mistake.Place[1];
                if (members.Remove(name))
                    scope.Tally.LeaveOut("tenant's member", $"{id}: {name}", mistake.Message);
            }
        }
    }

    private JsonObject Members(ForeignRow row, string id)
    {
        var members = new JsonObject();
        for (var i = 1; i < Plain; i++)
        {
            if (OldValues.Node(row, i) is { } value)
                members[Columns[i]] = value;
        }

        for (var i = Plain; i < Objects; i++)
        {
            var text = scope.Secrets.Open(row.Text(i), $"tenant {id}");
            if (OldValues.ObjectIn(text) is { } value)
                members[Columns[i]] = value;
            else if (text is { Length: > 0 } and not "null" || row.IsCut(i))
                scope.Tally.LeaveOut("tenant's member", $"{id}: {Columns[i]}", "it is no JSON object");
        }

        return members;
    }

    // A version without tenants had one address for all reports.
    private JsonObject OfEnvironment()
    {
        var members = new JsonObject { ["name"] = scope.UsualTenant };
        if (!Uri.TryCreate(scope.Request.Environment("GMP_CLIENT_SYNC_URL"), UriKind.Absolute, out var url))
            return members;
        members["client_base_url"] = url.GetLeftPart(UriPartial.Authority);
        members["client_sync_path"] = url.PathAndQuery;
        var (token, user) = (scope.Request.Environment("GMP_CLIENT_SYNC_TOKEN"), scope.Request.Environment("GMP_CLIENT_SYNC_USER"));
        if (token is { Length: > 0 })
            members["client_auth"] = new JsonObject { ["method"] = "bearer", ["token"] = token };
        else if (user is { Length: > 0 })
            members["client_auth"] = new JsonObject
            {
                ["method"] = "basic",
                ["user"] = user,
                ["password"] = scope.Request.Environment("GMP_CLIENT_SYNC_PASSWORD") ?? "",
            };
        return members;
    }

    // Every store has it from the beginning.
    private bool IsUntouched(string id) =>
        id == Tenant.DefaultId
        && _store.Document(id, TenantDocument.Kind, id) is null
        && !_store.HasMessages(id)
        && !_store.All(WebhookFields.Noun).Any(one => one.Tenant == id)
        && !_store.All(KeyFields.Noun).Any(one => one.Tenant == id);
}
