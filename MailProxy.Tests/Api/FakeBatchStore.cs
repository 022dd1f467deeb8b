using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Tests.Api;

/// <summary>Batches in memory: those that were suspended, and those that are named here.</summary>
internal sealed class FakeBatchStore : IBatchStore
{
    public Dictionary<(string Tenant, string Id), BatchView> Batches { get; } = [];

    public Task<BatchView?> BatchAsync(string tenant, string batch) => Task.FromResult(Batches.GetValueOrDefault((tenant, batch)));

    public Task<(IReadOnlyList<BatchName> Batches, (string Batch, string Tenant)? Next)> ListAsync(
        string? tenant,
        (string Batch, string Tenant) after,
        int limit
    )
    {
        var all = Batches
            .Values.Where(b => (tenant ?? b.Tenant) == b.Tenant && string.CompareOrdinal(b.Id, after.Batch) > 0)
            .OrderBy(b => b.Id, StringComparer.Ordinal)
            .Select(b => new BatchName(b.Tenant, b.Id, b.SuspendedAt, b.Weight))
            .ToArray();
        return Task.FromResult<(IReadOnlyList<BatchName>, (string, string)?)>(
            (all.Take(limit).ToArray(), all.Length > limit ? (all[limit - 1].Id, all[limit - 1].Tenant) : null)
        );
    }

    public Task<int> CountSuspendedAsync(string tenant) =>
        Task.FromResult(Batches.Values.Count(b => b.Tenant == tenant && b.SuspendedAt is not null));

    public Task SetSuspendedAsync(string tenant, string batch, bool suspended, string actor)
    {
        var known = Batches.GetValueOrDefault((tenant, batch)) ?? new(tenant, batch, null, []);
        if (!suspended && known is { Counts.Count: 0, Weight: 1 })
            Batches.Remove((tenant, batch));
        else
            Batches[(tenant, batch)] = known with { SuspendedAt = suspended ? 1_000 : null };
        return Task.CompletedTask;
    }

    public Task<bool> SetWeightAsync(string tenant, string batch, int weight, string actor)
    {
        var known = Batches.GetValueOrDefault((tenant, batch)) ?? new(tenant, batch, null, []);
        if (weight == 1 && known is { Counts.Count: 0, SuspendedAt: null })
            Batches.Remove((tenant, batch));
        else
            Batches[(tenant, batch)] = known with { Weight = weight };
        return Task.FromResult(true);
    }

    public Task<IReadOnlyList<BatchWeight>> WeightsAsync(string? tenant) =>
        Task.FromResult<IReadOnlyList<BatchWeight>>([
            .. Batches
                .Values.Where(b => (tenant ?? b.Tenant) == b.Tenant && b.Weight > 1)
                .Select(static b => new BatchWeight(b.Tenant, b.Id, b.Weight)),
        ]);

    public Task RepairAsync() => throw new NotSupportedException();
}
