using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage;

/// <summary>
/// Batches: what their mail has become, and whether it waits because a person said so. A batch is there as soon as it is named.
/// </summary>
public interface IBatchStore
{
    /// <summary>Null: no message names it, and nobody suspended it.</summary>
    Task<BatchView?> BatchAsync(string tenant, string batch);

    /// <summary>
    /// Batches by name, those that messages name and those that are suspended: up to <paramref name="limit"/> behind <paramref
    /// name="after"/>, and where to go on; null: that is all.
    /// </summary>
    /// <param name="tenant">Null: every one.</param>
    Task<(IReadOnlyList<BatchName> Batches, (string Batch, string Tenant)? Next)> ListAsync(
        string? tenant,
        (string Batch, string Tenant) after,
        int limit
    );

    /// <summary>How many of a tenant's batches are suspended.</summary>
    Task<int> CountSuspendedAsync(string tenant);

    /// <summary>
    /// From now on, for mail that is there and mail that comes; attempts under way go on. When it faults half-way, calling it again
    /// finishes it.
    /// </summary>
    Task SetSuspendedAsync(string tenant, string batch, bool suspended, string actor);

    /// <summary>At start: finishes what a crash interrupted.</summary>
    Task RepairAsync();
}

/// <param name="SuspendedAt">Unix milliseconds; null: it is not suspended.</param>
public sealed record BatchName(string Tenant, string Id, long? SuspendedAt);

/// <param name="SuspendedAt">Unix milliseconds; null: it is not suspended.</param>
public sealed record BatchView(string Tenant, string Id, long? SuspendedAt, IReadOnlyList<(MessageState State, long Count)> Counts);
