using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage;

/// <summary>
/// Batches: the states of their mail, and whether a person has suspended them. A batch exists as soon as a message names it.
/// </summary>
public interface IBatchStore
{
    /// <summary>Null when no message names the batch, and nobody suspended it or gave it a weight.</summary>
    Task<BatchView?> BatchAsync(string tenant, string batch);

    /// <summary>
    /// Batches in order of name, whether messages name them or they are suspended: up to <paramref name="limit"/> after <paramref
    /// name="after"/>, and where the next page begins; null when there are no more.
    /// </summary>
    /// <param name="tenant">Null: every tenant.</param>
    Task<(IReadOnlyList<BatchName> Batches, (string Batch, string Tenant)? Next)> ListAsync(
        string? tenant,
        (string Batch, string Tenant) after,
        int limit
    );

    /// <summary>Number of the tenant's suspended batches.</summary>
    Task<int> CountSuspendedAsync(string tenant);

    /// <summary>
    /// Suspends or activates a batch, for its existing mail and for mail that arrives later; attempts under way continue. If the call
    /// faults
    /// half-way, calling it again completes it.
    /// </summary>
    Task SetSuspendedAsync(string tenant, string batch, bool suspended, string actor);

    /// <summary>
    /// Sets how many messages the batch sends in its turn, 1 to <see cref="FlowWeights.Most"/>; with 1 nothing is kept of it. False: as
    /// many batches of the tenant as may weigh more do so, and messages name them all.
    /// </summary>
    Task<bool> SetWeightAsync(string tenant, string batch, int weight, string actor);

    /// <summary>The batches of a tenant, or with null of all, that weigh more than 1.</summary>
    Task<IReadOnlyList<BatchWeight>> WeightsAsync(string? tenant);

    /// <summary>Called at start: completes what a crash interrupted.</summary>
    Task RepairAsync();
}

/// <param name="SuspendedAt">Unix milliseconds; null when it is not suspended.</param>
/// <param name="Weight">How many messages it sends in its turn.</param>
public sealed record BatchName(string Tenant, string Id, long? SuspendedAt, int Weight = 1);

/// <param name="SuspendedAt">Unix milliseconds; null when it is not suspended.</param>
/// <param name="Weight">How many messages it sends in its turn.</param>
public sealed record BatchView(
    string Tenant,
    string Id,
    long? SuspendedAt,
    IReadOnlyList<(MessageState State, long Count)> Counts,
    int Weight = 1
);
