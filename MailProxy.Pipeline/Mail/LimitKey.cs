namespace MailProxy.Pipeline.Mail;

/// <summary>Whose limit it is, and so who waits when it is used up: a closed set.</summary>
public enum LimitScope : byte
{
    /// <summary>All accounts of all tenants together.</summary>
    Installation = 0,

    /// <summary>All accounts of one tenant together.</summary>
    Tenant = 1,

    /// <summary>One account.</summary>
    Account = 2,
}

/// <summary>What permits are counted under: one account, one tenant, or the installation (the default value).</summary>
public readonly record struct LimitKey
{
    private LimitKey(LimitScope scope, int number) => (Scope, Number) = (scope, number);

    public static LimitKey Installation => default;

    public LimitScope Scope { get; }

    /// <summary>The account's or the tenant's number; 0 for the installation.</summary>
    public int Number { get; }

    /// <summary>As the store keeps it: an account's number, a tenant's negated, 0 for the installation.</summary>
    public int Stored => Scope == LimitScope.Tenant ? -Number : Number;

    public static LimitKey Of(AccountKey account) => new(LimitScope.Account, Positive(account.Number));

    /// <param name="number">The tenant's number in the store, from 1.</param>
    public static LimitKey OfTenant(int number) => new(LimitScope.Tenant, Positive(number));

    /// <summary>From <see cref="Stored"/>.</summary>
    public static LimitKey FromStored(int stored) =>
        stored switch
        {
            0 => Installation,
            > 0 => new(LimitScope.Account, stored),
            < 0 => new(LimitScope.Tenant, -stored),
        };

    public override string ToString() =>
        Scope == LimitScope.Installation ? "installation" : $"{Scope.ToString().ToLowerInvariant()} {Number}";

    private static int Positive(int number)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(number);
        return number;
    }
}

/// <summary>So many permits under one key.</summary>
public readonly record struct PermitCount(LimitKey Key, int Permits);

/// <summary>What one transaction costs under each limit that it falls under; a count of 0: there is no such limit.</summary>
public readonly record struct PermitCounts(PermitCount Account, PermitCount Tenant, PermitCount Installation)
{
    /// <summary>There is no limit at all.</summary>
    public static PermitCounts None => default;

    /// <summary>No limit counts it. It may name keys all the same.</summary>
    public bool IsNothing => Account.Permits == 0 && Tenant.Permits == 0 && Installation.Permits == 0;
}
