using System.Buffers.Text;
using System.Security.Cryptography;
using MailProxy.Daemon.Api;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Keys;
using MailProxy.Pipeline.Configuration.Tenants;
using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Network;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Genro;

/// <summary>A tenant of genro-mail-proxy: here a tenant, a webhook for its reports, a key, and a volume for its large files.</summary>
internal sealed class GenroTenants(
    ConfigurationWriter<Tenant> tenants,
    ConfigurationWriter<WebhookEndpoint> webhooks,
    ConfigurationWriter<TenantKey> keys,
    GenroVolume volume,
    ICompatStore store,
    ITenantRemoval removal,
    ForgetContent forget,
    WebhooksChanged changed,
    Wake wake,
    GenroOptions options,
    TimeProvider clock
)
{
    /// <summary>The id of the webhook and of the key.</summary>
    public const string Own = "genro";

    // Of a tenant that is told nothing for now.
    private const string Untold = "untold";

    // Some ten thousand messages; what is left goes on beside the mail.
    private const int Slices = 100;

    private const int MostReports = 100;

    // How often a deletion looks whether what is being sent has ended.
    private const int Tries = 10;

    private static readonly GenroRefusal Unknown = GenroRefusal.Text(404, "tenant not found");
    private static readonly GenroRefusal StillRemoved = GenroRefusal.Text(409, "mail of a deleted tenant of this id is still removed") with
    {
        RetryAfter = 5,
    };
    private static readonly GenroRefusal StillSending = GenroRefusal.Text(409, "mail of the tenant is being sent; try again") with
    {
        RetryAfter = 5,
    };

    public IEnumerable<Tenant> All => tenants.Snapshot.Values.OrderBy(static tenant => tenant.Id, StringComparer.Ordinal);

    public Tenant? Find(string id) => tenants.Snapshot.Find(id, id)?.Value;

    /// <summary>What was kept of it; of one that was made by this program's own API as much as it says.</summary>
    public async Task<TenantDocument> DocumentAsync(Tenant tenant)
    {
        if (await store.DocumentAsync(tenant.Id, TenantDocument.Kind, tenant.Id) is { } kept)
            return TenantDocument.Parse(kept);
        return new(tenant.Name == tenant.Id ? [] : new() { ["name"] = tenant.Name });
    }

    /// <summary>Makes it, or puts a document in force. Refused, or whether it was made.</summary>
    public async Task<(GenroRefusal? Refusal, bool Created)> PutAsync(
        Caller caller,
        string id,
        TenantDocument document,
        CancellationToken cancel
    )
    {
        // Who leaves it as it is need not be allowed to change it.
        var known = Find(id) is { } there ? (await DocumentAsync(there)).StorageUrl : null;
        var place = document.StorageUrl == known ? null : document.StorageUrl;
        if (place is not null && await volume.PutAsync(caller, id, place, probeOnly: true, cancel) is { } wrong)
            return (wrong, false);
        var refused = false;
        async ValueTask<Tenant?> Decide(Resource<Tenant>? before)
        {
            if (before is null)
            {
                // Within the turn, so that a new tenant finds nothing of an old one of its id.
                refused = !await removal.RemoveAsync(id, Slices);
                if (refused)
                    return null;
                forget(id);
            }

            var now = before?.Value ?? New(id);
            var next = With(now, document);
            return next == now && before is not null ? before.Value : next;
        }

        var written = await tenants.PutAsync(id, id, static _ => true, Decide, caller.Actor, cancel);
        if (refused)
            return (StillRemoved, false);
        if (place is not null && await volume.PutAsync(caller, id, place, probeOnly: false, cancel) is { } refusal)
            return (refusal, false);
        await store.KeepAsync(id, TenantDocument.Kind, id, document.Text);
        await PutWebhookAsync(caller, id, document, cancel);
        wake.Look();
        return (null, written.Result == WriteResult.Created);
    }

    /// <summary>A new key instead of the one before, shown once.</summary>
    /// <param name="expiresAt">Unix milliseconds; null: never.</param>
    public async Task<string> NewKeyAsync(Caller caller, string id, long? expiresAt, CancellationToken cancel)
    {
        var text = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
        var key = Key(id, TenantKey.HashOf(text), clock.GetUtcNow().ToUnixTimeMilliseconds(), expiresAt);
        await keys.PutAsync(id, Own, static _ => true, _ => new(key), caller.Actor, cancel);
        return text;
    }

    public Task EndKeyAsync(Caller caller, string id, CancellationToken cancel) =>
        keys.DeleteAsync(id, Own, static _ => true, static _ => true, caller.Actor, cancel);

    /// <summary>Lets all of a tenant's mail wait, or go.</summary>
    public async Task<bool> SetSendingAsync(Caller caller, string id, bool sends, CancellationToken cancel)
    {
        var written = await tenants.PutAsync(
            id,
            id,
            static _ => true,
            before =>
                new(
                    before?.Value is not { } tenant ? null
                    : tenant.Active == sends ? tenant
                    : tenant with { Active = sends }
                ),
            caller.Actor,
            cancel
        );
        wake.Look();
        return written.Result is WriteResult.Replaced;
    }

    /// <summary>Deletes a tenant with all that there is of it; mail that waits is not reported.</summary>
    public async Task<GenroRefusal?> DeleteAsync(Caller caller, string id, CancellationToken cancel)
    {
        if (Find(id) is not { } tenant)
            return Unknown;
        if (id == Tenant.DefaultId)
            return GenroRefusal.Text(400, "the tenant default cannot be deleted");
        await SetSendingAsync(caller, id, sends: false, cancel);
        var ended = false;
        try
        {
            for (var attempt = 0; !ended && attempt <= Tries; attempt++)
            {
                if (attempt > 0)
                    await Task.Delay(TimeSpan.FromSeconds(1), clock, cancel);
                if (await store.RemovePendingAsync(id, caller.Actor) > 0)
                    continue;
                var result = await tenants.DeleteAsync(id, id, static _ => true, static _ => true, caller.Actor, cancel);
                ended = result is DeleteResult.Deleted or DeleteResult.NotFound;
            }
        }
        finally
        {
            // Also when the client has gone meanwhile: what is not deleted sends as before.
            if (!ended)
                await SetSendingAsync(caller, id, tenant.Active, CancellationToken.None);
        }

        if (!ended)
            return StillSending;
        changed();
        forget(id);
        await removal.RemoveAsync(id, Slices);
        return null;
    }

    /// <summary>Lets a tenant's application be told what becomes of its mail, or not; nothing is lost of what it is not told.</summary>
    public async Task SetReportsAsync(Caller caller, string id, bool on, CancellationToken cancel)
    {
        if (Find(id) is not { } tenant)
            return;
        await store.KeepAsync(id, Untold, id, on ? null : "{}");
        await PutWebhookAsync(caller, id, await DocumentAsync(tenant), cancel);
    }

    /// <summary>Makes the default tenant, and the webhook that the settings say.</summary>
    public async Task PutDefaultAsync(Caller caller, string id, CancellationToken cancel)
    {
        if (Find(id) is not { } tenant)
            await PutAsync(caller, id, new([]), cancel);
        else if (options.ReportsOf(id))
            await PutWebhookAsync(caller, id, await DocumentAsync(tenant), cancel);
    }

    /// <summary>When the tenant's key ends, Unix seconds; null: never, or it has none.</summary>
    public long? KeyExpiry(string id) => keys.Snapshot.Find(id, Own)?.Value?.ExpiresAt / 1000;

    private async Task PutWebhookAsync(Caller caller, string id, TenantDocument document, CancellationToken cancel)
    {
        var isTold = await store.DocumentAsync(id, Untold, id) is null;
        var written = await webhooks.PutAsync(
            id,
            Own,
            static _ => true,
            before => new(Webhook(id, before?.Value, document, isTold)),
            caller.Actor,
            cancel
        );
        if (written.Result is WriteResult.Created or WriteResult.Replaced)
            changed();
    }

    private WebhookEndpoint? Webhook(string id, WebhookEndpoint? was, TenantDocument document, bool isTold)
    {
        if (!options.ReportsOf(id))
            return Webhook(id, was, document, document.SyncUrl?.OriginalString, isTold);
        if (Webhook(id, was, document, options.SyncUrl, isTold) is not { } meant)
            return null;
        var next = meant with { Style = ReportStyle.GenroFinal, Auth = AuthOfSettings(), EmptyReports = true };
        return next == was ? was : next;
    }

    /// <summary>The webhook that a document means. Without an address its events wait for one; null: there is none and was none.</summary>
    public static WebhookEndpoint? Webhook(string id, WebhookEndpoint? was, TenantDocument document) =>
        Webhook(id, was, document, document.SyncUrl?.OriginalString, isTold: true);

    private static WebhookEndpoint? Webhook(string id, WebhookEndpoint? was, TenantDocument document, string? url, bool isTold)
    {
        if (url is null)
            return was is { Paused: false } ? was with { Paused = true } : was;
        var now = was ?? WebhookFields.Noun.New(id, Own) with { Secret = WebhookSignature.NewSecret(), MaxBatch = MostReports };
        var next = now with
        {
            Url = url,
            Style = ReportStyle.Genro,
            Auth = document.ClientAuth,
            EmptyReports = document.IsActive,
            Paused = !isTold,
        };
        return next == was ? was : next;
    }

    private SourceAuth? AuthOfSettings() =>
        options.SyncToken is { Length: > 0 } token ? new SourceAuth.Bearer(token)
        : options.SyncUser is { Length: > 0 } user ? new SourceAuth.Basic(user, options.SyncPassword ?? "")
        : null;

    /// <summary>The one key that a tenant of genro-mail-proxy has.</summary>
    public static TenantKey Key(string tenant, byte[] hash, long createdAt, long? expiresAt) =>
        KeyFields.Noun.New(tenant, Own) with
        {
            Name = "genro-mail-proxy",
            Hash = hash,
            Scopes = KeyScopes.Send | KeyScopes.Read | KeyScopes.Manage,
            CreatedAt = createdAt,
            ExpiresAt = expiresAt,
        };

    /// <summary>The tenant with what a document says of it.</summary>
    public static Tenant With(Tenant tenant, TenantDocument document) =>
        tenant with
        {
            Name = document.Name is { Length: > 0 } name ? name : tenant.Id,
            AttachmentEndpoint = document.AttachmentEndpoint,
            LargeFiles = document.LargeFilesIn(GenroVolume.Id),
        };

    /// <summary>A tenant before a document says anything of it.</summary>
    public static Tenant New(string id) =>
        TenantFields.Noun.New(id, id) with
        {
            ExpiresAfter = AccountDocument.Lasts,
            Retry = AccountDocument.Retry,
        };
}
