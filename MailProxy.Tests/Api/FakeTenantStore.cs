using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;

namespace MailProxy.Tests.Api;

/// <summary>Tenants in memory.</summary>
internal sealed class FakeTenantStore : ITenantStore
{
    public List<Tenant> Tenants { get; } = [new() { Id = Tenant.DefaultId, Name = Tenant.DefaultId }];
    public HashSet<string> InUse { get; } = [];

    public Task<IReadOnlyList<Tenant>> TenantsAsync() => Task.FromResult<IReadOnlyList<Tenant>>([.. Tenants]);

    public Task<bool> PutTenantAsync(Tenant tenant, string actor)
    {
        var replaced = Tenants.RemoveAll(t => t.Id == tenant.Id) > 0;
        Tenants.Add(tenant);
        return Task.FromResult(!replaced);
    }

    public Task<DeleteResult> DeleteTenantAsync(string id, string actor)
    {
        if (InUse.Contains(id))
            return Task.FromResult(DeleteResult.InUse);
        return Task.FromResult(Tenants.RemoveAll(t => t.Id == id) > 0 ? DeleteResult.Deleted : DeleteResult.NotFound);
    }
}
