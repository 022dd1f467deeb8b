using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Accounts;

/// <summary>All pools at one instant: an immutable snapshot, swapped whole when one changes.</summary>
public sealed class PoolDirectory
{
    public static readonly PoolDirectory Empty = new([]);

    private readonly Dictionary<int, Pool> _byNumber;
    private readonly Dictionary<(string Tenant, string Id), Pool> _byName;
    private readonly ILookup<(string Tenant, string Account), Pool> _byAccount;

    public PoolDirectory(IEnumerable<Pool> pools)
    {
        _byNumber = pools.ToDictionary(static pool => pool.Key.Number);
        _byName = _byNumber.Values.ToDictionary(static pool => (pool.Tenant, pool.Id));
        _byAccount = _byNumber
            .Values.SelectMany(static pool => pool.Accounts.Select(member => (pool, member.Account)))
            .ToLookup(static one => (one.pool.Tenant, one.Account), static one => one.pool);
    }

    public IReadOnlyCollection<Pool> All => _byNumber.Values;

    public Pool? Find(PoolKey key) => _byNumber.GetValueOrDefault(key.Number);

    public Pool? Find(string tenant, string id) => _byName.GetValueOrDefault((tenant, id));

    public IEnumerable<Pool> OfTenant(string tenant) => _byNumber.Values.Where(pool => pool.Tenant == tenant);

    /// <summary>The pools that an account is in.</summary>
    public IEnumerable<Pool> With(string tenant, string account) => _byAccount[(tenant, account)];
}
