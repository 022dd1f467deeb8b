using System.Collections.Frozen;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Accounts;

/// <summary>What a batch weighs, 2 to <see cref="FlowWeights.Most"/>.</summary>
public sealed record BatchWeight(string Tenant, string Batch, int Weight);

/// <summary>What the batches of all tenants weigh: immutable, and replaced whole when one changes.</summary>
public sealed class BatchWeights
{
    public static readonly BatchWeights None = new(Array.Empty<BatchWeight>());

    private readonly FrozenDictionary<string, FlowWeights> _byTenant;

    public BatchWeights(IEnumerable<BatchWeight> all) =>
        _byTenant = all.GroupBy(static one => one.Tenant)
            .ToFrozenDictionary(static theirs => theirs.Key, static theirs => WeightsOf(theirs), StringComparer.Ordinal);

    private BatchWeights(IEnumerable<KeyValuePair<string, FlowWeights>> byTenant) =>
        _byTenant = byTenant.ToFrozenDictionary(StringComparer.Ordinal);

    public FlowWeights Of(string tenant) => _byTenant.GetValueOrDefault(tenant) ?? FlowWeights.Equal;

    /// <summary>The same, with one tenant's as they are now.</summary>
    public BatchWeights With(string tenant, IReadOnlyCollection<BatchWeight> theirs) =>
        new(_byTenant.Where(one => one.Key != tenant).Concat(theirs.Count == 0 ? [] : [KeyValuePair.Create(tenant, WeightsOf(theirs))]));

    /// <summary>The same without those of tenants that are gone.</summary>
    public BatchWeights Of(TenantDirectory tenants) =>
        _byTenant.Keys.All(tenant => tenants.Find(tenant) is not null)
            ? this
            : new BatchWeights(_byTenant.Where(one => tenants.Find(one.Key) is not null));

    private static FlowWeights WeightsOf(IEnumerable<BatchWeight> weights) =>
        new(weights.Select(static one => KeyValuePair.Create(FlowKey.Of(one.Batch), one.Weight)));
}
