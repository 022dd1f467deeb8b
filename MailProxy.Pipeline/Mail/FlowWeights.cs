using System.Collections.Frozen;

namespace MailProxy.Pipeline.Mail;

/// <summary>How many messages the batches of a tenant send in their turn: 1 where nothing was said. Immutable.</summary>
public sealed class FlowWeights(IEnumerable<KeyValuePair<FlowKey, int>> weights)
{
    public const int Most = 100;

    /// <summary>Every batch weighs the same.</summary>
    public static readonly FlowWeights Equal = new([]);

    private readonly FrozenDictionary<FlowKey, int> _weights = weights
        .GroupBy(static one => one.Key)
        .ToFrozenDictionary(static same => same.Key, static same => same.Max(static one => one.Value));

    public int Of(FlowKey flow) => _weights.Count == 0 ? 1 : _weights.GetValueOrDefault(flow, 1);
}
