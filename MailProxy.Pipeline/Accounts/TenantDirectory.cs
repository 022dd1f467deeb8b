using System.Collections.Frozen;

namespace MailProxy.Pipeline.Accounts;

/// <summary>All tenants at one instant: an immutable snapshot, swapped whole when one changes.</summary>
public sealed class TenantDirectory
{
    /// <summary>Before anything was read: the tenant <c>default</c>, as it is in a new store.</summary>
    public static readonly TenantDirectory Initial = new([new() { Id = Tenant.DefaultId, Name = Tenant.DefaultId }]);

    private readonly FrozenDictionary<string, Tenant> _byId;
    private readonly FrozenDictionary<int, Tenant> _byNumber;

    public TenantDirectory(IReadOnlyCollection<Tenant> tenants)
    {
        All = tenants;
        _byId = tenants.ToFrozenDictionary(t => t.Id);
        _byNumber = tenants.Where(t => t.Number > 0).ToFrozenDictionary(t => t.Number);
    }

    public IReadOnlyCollection<Tenant> All { get; }

    public Tenant? Find(string id) => _byId.GetValueOrDefault(id);

    /// <summary>By the store's number.</summary>
    public Tenant? Find(int number) => _byNumber.GetValueOrDefault(number);

    /// <summary>Whether a person suspended the tenant's sending.</summary>
    public bool IsSuspended(string id) => Find(id) is { Active: false };
}

/// <summary>Holds the directory that is in force. Written by the tenants' writer, read everywhere.</summary>
public sealed class CurrentTenants
{
    private TenantDirectory _directory = TenantDirectory.Initial;

    public TenantDirectory Directory => Volatile.Read(ref _directory);

    public void Swap(TenantDirectory directory) => Volatile.Write(ref _directory, directory);
}
