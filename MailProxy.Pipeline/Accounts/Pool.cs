using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Accounts;

/// <summary>Which account of a pool a mail goes by.</summary>
public enum PoolStrategy : byte
{
    /// <summary>The first in the list that can send; one whose connections are all busy is waited for.</summary>
    Failover = 0,

    /// <summary>Each that can send, in proportion to its weight.</summary>
    Weighted = 1,

    /// <summary>The first in the list that has capacity: as much as it can take, and the rest by the next.</summary>
    Overflow = 2,
}

/// <summary>An account of a pool.</summary>
/// <param name="Account">Its id, of the same tenant.</param>
/// <param name="Weight">1 to 1,000; only the weighted strategy looks at it.</param>
public sealed record PoolMember(string Account, int Weight = 1);

/// <summary>Several accounts that mail may go by: a lane of its own, whose mails each get an account at the last moment.</summary>
public sealed record Pool
{
    /// <summary>Accounts of one pool at most.</summary>
    public const int MostAccounts = 32;

    public required PoolKey Key { get; init; }
    public required string Tenant { get; init; }
    public required string Id { get; init; }
    public required long Version { get; init; }
    public PoolStrategy Strategy { get; init; }

    /// <summary>In the order in which they are tried.</summary>
    public IReadOnlyList<PoolMember> Accounts { get; init; } = [];

    public string? Description { get; init; }

    public override string ToString() => $"{Tenant}/{Id}";
}
