using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Nodes;

/// <summary>
/// Which lanes must be sent for by one node, so that every limit is counted in one place: those of a tenant with limits, those of a pool
/// and its accounts, all of them when the installation has limits; else each by itself. Pure.
/// </summary>
public sealed class LaneUnits
{
    /// <summary>The unit of what one node does for all: never a lane's number.</summary>
    public const long House = 1L << 62;

    // Apart from the numbers of lanes.
    private const long OfTenant = 1L << 40;
    private const long OfAll = 1L << 41;

    private readonly Dictionary<LaneKey, long> _units = [];

    private LaneUnits(AccountDirectory directory, bool isOne)
    {
        Directory = directory;
        foreach (var account in directory.All)
            _units[Lanes.Of(account.Key)] = isOne ? OfAll : UnitOf(directory, account.Tenant) ?? account.Key.Number;
        foreach (var pool in directory.Pools.All)
            _units[Lanes.Of(pool.Key)] = isOne ? OfAll : UnitOf(directory, pool.Tenant) ?? Lanes.Of(pool.Key).Number;
        if (!isOne)
            Join(directory);
        ByUnit = _units.ToLookup(static one => one.Value, static one => one.Key);
    }

    /// <summary>What they were made out from.</summary>
    public AccountDirectory Directory { get; }

    /// <summary>Every lane there is, and its unit.</summary>
    public IReadOnlyDictionary<LaneKey, long> OfLanes => _units;

    public ILookup<long, LaneKey> ByUnit { get; }

    /// <param name="installation">The limits of the whole installation.</param>
    public static LaneUnits Of(AccountDirectory directory, AccountLimits installation) => new(directory, !installation.IsUnlimited);

    private static long? UnitOf(AccountDirectory directory, string tenant) =>
        directory.Tenants.Find(tenant) is { Limits.IsUnlimited: false, LimitKey.Number: var number } ? OfTenant + number : null;

    // Pools that share an account are one unit: the lowest number of them is its name.
    private void Join(AccountDirectory directory)
    {
        var above = new Dictionary<long, long>();
        foreach (var pool in directory.Pools.All)
        {
            foreach (var (account, _) in directory.MembersOf(pool))
            {
                var (one, other) = (Root(above, _units[Lanes.Of(pool.Key)]), Root(above, _units[Lanes.Of(account.Key)]));
                if (one != other)
                    above[Math.Max(one, other)] = Math.Min(one, other);
            }
        }

        if (above.Count == 0)
            return;
        foreach (var (lane, unit) in _units.ToArray())
            _units[lane] = Root(above, unit);
    }

    private static long Root(Dictionary<long, long> above, long unit)
    {
        while (above.TryGetValue(unit, out var next))
            unit = next;
        return unit;
    }
}
