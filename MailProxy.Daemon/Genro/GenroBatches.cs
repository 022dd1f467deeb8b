using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using MailProxy.Daemon.Api;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Sharing;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Genro;

/// <summary>
/// Letting a tenant's mail wait, all of it or that of a batch. A batch code that is no id here goes by a name made of its hash; what it was
/// is kept while it is suspended.
/// </summary>
internal sealed class GenroBatches(
    IBatchStore batches,
    ICompatStore store,
    GenroTenants tenants,
    CurrentAccounts accounts,
    ConfigurationTurn turn,
    Quotas quotas,
    ReadTurns turns,
    Wake wake
)
{
    public const int LongestCode = 64;

    /// <summary>The kind of the documents that keep batch codes which are no ids, by their name here.</summary>
    public const string Kind = "batch";

    private const string All = "*";
    private const string Prefix = "batch-";

    /// <summary>What a batch code is called here.</summary>
    public static string NameOf(string code) =>
        IdSyntax.IsObjectId(code) ? code : Prefix + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(code)).AsSpan(0, 16));

    public async Task<GenroRefusal?> SuspendAsync(Caller caller, string? code, CancellationToken cancel)
    {
        if (tenants.Find(caller.Tenant) is null)
            return GenroRefusal.Text(400, "tenant not found");
        if (code is null)
            await tenants.SetSendingAsync(caller, caller.Tenant, sends: false, cancel);
        else
            return await SuspendOneAsync(caller, code, cancel);
        return null;
    }

    public async Task<GenroRefusal?> ActivateAsync(Caller caller, string? code, CancellationToken cancel)
    {
        if (tenants.Find(caller.Tenant) is not { } tenant)
            return GenroRefusal.Text(400, "tenant not found");
        if (code is not null && !tenant.Active)
            return GenroRefusal.Text(400, "cannot activate a single batch while all batches are suspended");
        string[] names = code is null ? [.. await store.SuspendedBatchesAsync(caller.Tenant)] : [NameOf(code)];
        using (await turn.TakeAsync(cancel))
        {
            foreach (var name in names)
            {
                await batches.SetSuspendedAsync(caller.Tenant, name, suspended: false, caller.Actor);
                if (name.StartsWith(Prefix, StringComparison.Ordinal))
                    await store.KeepAsync(caller.Tenant, Kind, name, null);
            }
        }

        if (code is null)
            await tenants.SetSendingAsync(caller, caller.Tenant, sends: true, cancel);
        foreach (var lane in accounts.Directory.LanesOf(caller.Tenant))
            wake.Due(lane, 0);
        return null;
    }

    private async Task<GenroRefusal?> SuspendOneAsync(Caller caller, string code, CancellationToken cancel)
    {
        using var mine = await turn.TakeAsync(cancel);
        var name = NameOf(code);
        var there = await batches.CountSuspendedAsync(caller.Tenant);
        var most = quotas.Options.MaxSuspendedBatches;
        if (
            await batches.BatchAsync(caller.Tenant, name) is not { SuspendedAt: not null }
            && Quotas.Refusal(caller, there, most, "suspended batches", nameof(TenantOptions.MaxSuspendedBatches)) is { } full
        )
            return GenroRefusal.Of(full);
        if (name != code)
            await store.KeepAsync(caller.Tenant, Kind, name, code);
        await batches.SetSuspendedAsync(caller.Tenant, name, suspended: true, caller.Actor);
        return null;
    }

    /// <summary>What is suspended now, and how much waits.</summary>
    public async Task<GenroAnswer> AnswerAsync(HttpContext http, string? code)
    {
        var tenant = Caller.Of(http).Tenant;
        var pending = await turns.RunAsync(http, () => store.CountPendingAsync(tenant, code is null ? null : NameOf(code)));
        return GenroAnswer.Ok(
            ("tenant_id", tenant),
            ("batch_code", code),
            ("suspended_batches", new JsonArray([.. await SuspendedAsync(tenant)])),
            ("pending_messages", pending)
        );
    }

    /// <summary>The codes of a tenant's suspended batches, in order; a star when all of its mail waits.</summary>
    public async Task<IEnumerable<JsonNode?>> SuspendedAsync(string tenant)
    {
        if (tenants.Find(tenant) is { Active: false })
            return [All];
        var codes = await store.DocumentsAsync(tenant, Kind);
        var names = await store.SuspendedBatchesAsync(tenant);
        return names.Select(name => codes.GetValueOrDefault(name, name)).Order(StringComparer.Ordinal).Select(static one => (JsonNode?)one);
    }
}
