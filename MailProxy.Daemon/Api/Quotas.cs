using System.Threading.RateLimiting;
using MailProxy.Pipeline.Sharing;

namespace MailProxy.Daemon.Api;

/// <summary>How much a tenant's own keys may configure and try out. The admin key is the operator's and is not held to it.</summary>
internal sealed class Quotas : IDisposable
{
    private readonly SharedCapacity _tests;
    private readonly PartitionedRateLimiter<string> _changes;

    public Quotas(TenantOptions options, TenantShare share, TenantShares shares)
    {
        Options = options;
        _tests = new(options.Tests, share);
        shares.Add("tests", _tests);
        _changes = PartitionedRateLimiter.Create<string, string>(tenant =>
            RateLimitPartition.GetTokenBucketLimiter(
                tenant,
                _ =>
                    new()
                    {
                        TokenLimit = options.ChangesPerMinute,
                        TokensPerPeriod = options.ChangesPerMinute,
                        ReplenishmentPeriod = TimeSpan.FromMinutes(1),
                        QueueLimit = 0,
                    }
            )
        );
    }

    public TenantOptions Options { get; }

    /// <summary>The refusal of one more; null: there may be one.</summary>
    /// <param name="there">How many there are.</param>
    /// <param name="setting">The name of the quota in <see cref="TenantOptions"/>.</param>
    public static ProblemAnswer? Refusal(Caller caller, int there, int quota, string what, string setting) =>
        caller.IsAdmin || there < quota
            ? null
            : ProblemAnswer.Of(
                422,
                "quota_exceeded",
                $"The tenant has {there} {what}, and its quota is {quota} (Tenants:{setting}). Delete one that is not used, or "
                    + "ask the operator."
            );

    /// <summary>The refusal of one more change by this caller; null: go on.</summary>
    public ProblemAnswer? ChangeTooMany(Caller caller)
    {
        if (caller.IsAdmin)
            return null;
        using var lease = _changes.AttemptAcquire(caller.Tenant);
        return lease.IsAcquired
            ? null
            : new(
                new(
                    429,
                    "too_many_changes",
                    $"A tenant may change its configuration {Options.ChangesPerMinute} times a minute (Tenants:ChangesPerMinute). "
                        + "Wait, and send it again."
                ),
                10
            );
    }

    /// <summary>Null: too many tests are under way.</summary>
    public SharedCapacity.Charge? TryTest(Caller caller) => _tests.TryTake(caller.Tenant, 1);

    public static ProblemAnswer TooManyTests { get; } =
        new(
            new(
                429,
                "too_many_tests",
                "Too many tests of accounts, volumes and webhooks are under way (Tenants:Tests, of which a tenant has its "
                    + "share). Send it again when one has ended."
            ),
            5
        );

    public void Dispose() => _changes.Dispose();
}
