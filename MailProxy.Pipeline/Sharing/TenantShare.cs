namespace MailProxy.Pipeline.Sharing;

/// <summary>
/// The one rule by which tenants share what they use together: a tenant holds at most a fixed part of what the others leave, so that
/// something is left for whoever comes next. Several that take all they may end with equal parts, and free capacity remains. It binds from
/// the second tenant on: who is alone has everything.
/// </summary>
/// <param name="part">The part of what the others leave, 0 to 1 (<see cref="TenantOptions.Share"/>).</param>
/// <param name="several">Whether the installation has more than one tenant.</param>
public sealed class TenantShare(double part, Func<bool> several)
{
    /// <summary>Nobody is held back by his part; capacities hold all the same.</summary>
    public static readonly TenantShare Unlimited = new(1, static () => false);

    /// <summary>
    /// Whether a tenant may hold <paramref name="amount"/> more. Who holds nothing yet may have one of any size that is free, and what is
    /// larger than the whole capacity is let in alone, so that nothing waits for ever.
    /// </summary>
    public bool Allows(long capacity, long heldByOthers, long held, long amount)
    {
        if (heldByOthers + held == 0)
            return true;
        if (heldByOthers + held + amount > capacity)
            return false;
        return held == 0 || held + amount <= Of(capacity, heldByOthers);
    }

    /// <summary>What a tenant may hold at most, given what the others hold.</summary>
    public long Of(long capacity, long heldByOthers)
    {
        var left = Math.Max(0, capacity - heldByOthers);
        return several() ? (long)(part * left) : left;
    }
}
