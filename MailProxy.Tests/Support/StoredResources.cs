using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Keys;
using MailProxy.Pipeline.Configuration.Tenants;
using MailProxy.Pipeline.Configuration.Volumes;

namespace MailProxy.Tests.Support;

/// <summary>Puts resources into a store and takes them out, whatever version there is.</summary>
internal static class StoredResources
{
    public static async Task<IReadOnlyList<T>> ValuesAsync<T>(this IConfigurationStore store, Noun<T> noun)
        where T : class => [.. (await store.ReadAsync(noun)).Select(static resource => resource.Value!)];

    /// <summary>True: created.</summary>
    public static async Task<bool> PutAsync<T>(
        this IConfigurationStore store,
        Noun<T> noun,
        string tenant,
        string id,
        T value,
        string actor
    )
        where T : class
    {
        var version = await VersionAsync(store, noun, tenant, id);
        return await store.PutAsync(noun, new Resource<T>(tenant, id, version, value), actor)
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
