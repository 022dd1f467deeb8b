using System.Collections.Frozen;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Nodes;

/// <summary>What the nodes hold, as one of them knows it. A lane is sent for only while no other node has one of its unit.</summary>
public sealed class HeldLanes : LeaseView
{
    public static readonly HeldLanes None = new(
        0,
        new Dictionary<long, long>(),
        new HashSet<long>(),
        new HashSet<long>(),
        null,
        new Dictionary<long, string>()
    );

    private readonly FrozenSet<LaneKey> _mine;
    private readonly IReadOnlyDictionary<long, long> _leases;
    private readonly IReadOnlyDictionary<long, string> _names;
    private readonly long _me;

    /// <param name="leases">By lane's number, or <see cref="LaneUnits.House"/>: the session that holds it.</param>
    /// <param name="ready">What this node has taken over.</param>
    /// <param name="giving">What it gives up as soon as nothing of it is under way.</param>
    /// <param name="names">The names of the nodes that live, by session.</param>
    public HeldLanes(
        long me,
        IReadOnlyDictionary<long, long> leases,
        IReadOnlySet<long> ready,
        IReadOnlySet<long> giving,
        LaneUnits? units,
        IReadOnlyDictionary<long, string> names
    )
    {
        (_me, _leases, _names) = (me, leases, names);
        bool IsOpen(long lane) => ready.Contains(lane) && !giving.Contains(lane) && leases.GetValueOrDefault(lane) == me;
        bool IsElsewhere(LaneKey lane) => leases.GetValueOrDefault(lane.Number) is var holder && holder != me && names.ContainsKey(holder);
        _mine = (units?.ByUnit ?? Enumerable.Empty<IGrouping<long, LaneKey>>())
            .Where(unit => !unit.Any(IsElsewhere))
            .SelectMany(static unit => unit)
            .Where(lane => IsOpen(lane.Number))
            .ToFrozenSet();
        KeepsHouse = IsOpen(LaneUnits.House);
    }

    public override bool KeepsHouse { get; }

    /// <summary>The session that keeps house; 0: none that lives does.</summary>
    public long HouseKeeper => _leases.GetValueOrDefault(LaneUnits.House) is var holder && _names.ContainsKey(holder) ? holder : 0;

    /// <summary>How many lanes this node sends for.</summary>
    public int Count => _mine.Count;

    public override bool Holds(LaneKey lane) => _mine.Contains(lane);

    public override string? HolderOf(LaneKey lane) =>
        _leases.GetValueOrDefault(lane.Number) is var holder && holder != _me ? _names.GetValueOrDefault(holder) : null;
}
