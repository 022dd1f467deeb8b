using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Accounts;
using MailProxy.Pipeline.Configuration.Keys;
using MailProxy.Pipeline.Configuration.Tenants;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Configuration.Webhooks;

namespace MailProxy.Tests.Support;

/// <summary>Puts resources into a store and takes them out, whatever version there is.</summary>
internal static class StoredResources
{
    public static async Task<IReadOnlyList<T>> ValuesAsync<T>(this IConfigurationStore store, Noun<T> noun)
        where T : class => (await store.ReadAsync(noun)).Select(static resource => resource.Value!).ToList();

    /// <summary>True: created.</summary>
    public static async Task<bool> PutAsync<T>(
        this IConfigurationStore store,
        Noun<T> noun,
        string tenant,
        string id,
        T value,
        string actor,
        string? action = null
    )
        where T : class
    {
        var version = await VersionAsync(store, noun, tenant, id);
        return await store.PutAsync(noun, new Resource<T>(tenant, id, version, value), actor, action) is not null
            ? version == 0
            : throw new InvalidOperationException("Somebody else changed it.");
    }

    public static async Task<DeleteResult> DeleteAsync<T>(
        this IConfigurationStore store,
        Noun<T> noun,
        string tenant,
        string id,
        string actor
    )
        where T : class => await store.DeleteAsync(noun, tenant, id, await VersionAsync(store, noun, tenant, id), actor);

    public static Task<IReadOnlyList<Volume>> VolumesAsync(this IConfigurationStore store) => store.ValuesAsync(VolumeFields.Noun);

    public static Task<bool> PutVolumeAsync(this IConfigurationStore store, Volume volume, string actor) =>
        store.PutAsync(VolumeFields.Noun, volume.Tenant, volume.Id, volume, actor);

    public static Task<DeleteResult> DeleteVolumeAsync(this IConfigurationStore store, string tenant, string id, string actor) =>
        store.DeleteAsync(VolumeFields.Noun, tenant, id, actor);

    public static Task<IReadOnlyList<SmtpAccount>> AccountsAsync(this IConfigurationStore store) => store.ValuesAsync(AccountFields.Noun);

    public static Task<bool> PutAccountAsync(this IConfigurationStore store, SmtpAccount account, string actor) =>
        store.PutAsync(AccountFields.Noun, account.Tenant, account.Id, account, actor);

    public static Task<DeleteResult> DeleteAccountAsync(this IConfigurationStore store, string tenant, string id, string actor) =>
        store.DeleteAsync(AccountFields.Noun, tenant, id, actor);

    /// <summary>False: there is no such account. One that is so already stays as it is.</summary>
    public static async Task<bool> SetPausedAsync(this IConfigurationStore store, string tenant, string id, bool paused, string actor)
    {
        var all = await store.ReadAsync(AccountFields.Noun);
        if (all.FirstOrDefault(account => account.Tenant == tenant && account.Id == id) is not { Value: { } value } found)
            return false;
        return value.Paused == paused
            || await store.PutAsync(
                AccountFields.Noun,
                found with
                {
                    Value = value with { Paused = paused },
                },
                actor,
                paused ? "pause" : "resume"
            )
                is not null;
    }

    /// <summary>As a request does it: an empty secret keeps those that are there. True: created.</summary>
    public static async Task<bool> PutEndpointAsync(
        this IConfigurationStore store,
        WebhookEndpoint endpoint,
        string actor,
        string? action = null
    )
    {
        if (endpoint.Secret.Length == 0 && await EndpointAsync(store, endpoint.Tenant, endpoint.Id) is { } before)
            endpoint = endpoint with
            {
                Secret = before.Secret,
                PreviousSecret = before.PreviousSecret,
                PreviousUntil = before.PreviousUntil,
            };
        return await store.PutAsync(WebhookFields.Noun, endpoint.Tenant, endpoint.Id, endpoint, actor, action);
    }

    /// <summary>False: there is none.</summary>
    public static async Task<bool> SetWebhookPausedAsync(
        this IConfigurationStore store,
        string tenant,
        string id,
        bool paused,
        string actor
    )
    {
        if (await EndpointAsync(store, tenant, id) is not { } before)
            return false;
        await store.PutEndpointAsync(before with { Paused = paused }, actor, paused ? "pause" : WebhookFields.Resume);
        return true;
    }

    public static async Task<bool> DeleteEndpointAsync(this IConfigurationStore store, string tenant, string id, string actor) =>
        await store.DeleteAsync(WebhookFields.Noun, tenant, id, actor) == DeleteResult.Deleted;

    private static async Task<WebhookEndpoint?> EndpointAsync(IConfigurationStore store, string tenant, string id) =>
        (await store.ReadAsync(WebhookFields.Noun)).FirstOrDefault(r => r.Tenant == tenant && r.Id == id)?.Value;

    public static Task<IReadOnlyList<Tenant>> TenantsAsync(this IConfigurationStore store) => store.ValuesAsync(TenantFields.Noun);

    public static Task<bool> PutTenantAsync(this IConfigurationStore store, Tenant tenant, string actor) =>
        store.PutAsync(TenantFields.Noun, tenant.Id, tenant.Id, tenant, actor);

    public static Task<DeleteResult> DeleteTenantAsync(this IConfigurationStore store, string id, string actor) =>
        store.DeleteAsync(TenantFields.Noun, id, id, actor);

    public static Task<IReadOnlyList<TenantKey>> KeysAsync(this IConfigurationStore store) => store.ValuesAsync(KeyFields.Noun);

    public static Task<bool> PutKeyAsync(this IConfigurationStore store, TenantKey key, string actor) =>
        store.PutAsync(KeyFields.Noun, key.Tenant, key.Id, key, actor);

    public static Task<DeleteResult> DeleteKeyAsync(this IConfigurationStore store, string tenant, string id, string actor) =>
        store.DeleteAsync(KeyFields.Noun, tenant, id, actor);

    private static async Task<long> VersionAsync<T>(IConfigurationStore store, Noun<T> noun, string tenant, string id)
        where T : class => (await store.ReadAsync(noun)).FirstOrDefault(r => r.Tenant == tenant && r.Id == id)?.Version ?? 0;
}
