using System.Text;

namespace MailProxy.Pipeline.Storage.Nodes;

/// <summary>A node that lives, as the database has it.</summary>
/// <param name="Place">The name of its data directory, which stays the same over restarts.</param>
/// <param name="Beat">Raised by it.</param>
/// <param name="Profiles">The hash of its provider profiles; empty: it has not told it yet.</param>
/// <param name="BeatAt">When it last did so, by its own clock, Unix milliseconds.</param>
/// <param name="Seen">The version of the configuration that is in force there; below zero: it still starts.</param>
/// <param name="IsLeaving">It gives up what it holds.</param>
public sealed record NodeRow(
    long Session,
    string Name,
    string Place,
    string Version,
    string Profiles,
    long StartedAt,
    long Beat,
    long BeatAt,
    long Seen,
    bool IsLeaving
)
{
    /// <summary>What a node reports as seen until it can take lanes.</summary>
    public const long Starting = -1;

    /// <summary>For so long it may send without having beaten, as it was told; zero: it has not said so.</summary>
    public TimeSpan TimeToLive { get; init; }

    /// <summary>Whether lanes may go to it: it has begun, and does not stop.</summary>
    public bool IsStaying => !IsLeaving && Seen > Starting;

    /// <summary>Whether they judge replies by different provider profiles. One that has not told its own yet differs from nobody.</summary>
    public static bool DoProfilesDiffer(IEnumerable<NodeRow> nodes) =>
        nodes.Select(static node => node.Profiles).Where(static told => told.Length > 0).Distinct(StringComparer.Ordinal).Skip(1).Any();
}

/// <summary>
/// Who should hold what, by the highest hash of node and unit: when a node comes or goes only its share moves. Every node reckons it for
/// itself; that no two hold the same is what the database sees to. Pure.
/// </summary>
public static class LeasePlan
{
    /// <param name="Take">What nobody holds and this node should.</param>
    /// <param name="Give">What this node holds and another one should.</param>
    public sealed record Steps(IReadOnlyList<long> Take, IReadOnlyList<long> Give);

    /// <param name="leases">By lane's number, or <see cref="LaneUnits.House"/>: the session that holds it.</param>
    public static Steps Of(long me, IReadOnlyList<NodeRow> alive, IReadOnlyDictionary<long, long> leases, LaneUnits units)
    {
        var sessions = alive.Select(static node => node.Session).ToHashSet();
        NodeRow[] staying = [.. alive.Where(static node => node.IsStaying)];
        var (take, give) = (new List<long>(), new List<long>());
        var wanted = new Dictionary<long, long>();

        // As long as another node has one lane of a unit, the unit could not be sent for: a lane taken from it would only stop that node.
        var elsewhere = units
            .OfLanes.Where(one => leases.GetValueOrDefault(one.Key.Number) is var holder && holder != me && sessions.Contains(holder))
            .Select(static one => one.Value)
            .ToHashSet();
        foreach (var (lane, unit) in units.OfLanes)
        {
            if (!wanted.TryGetValue(unit, out var target))
                wanted[unit] = target = Target(staying, unit);
            Step(lane.Number, target, !elsewhere.Contains(unit));
        }

        // It stays where it is as long as that node does: nothing of it is handed over in the middle.
        var house = leases.GetValueOrDefault(LaneUnits.House);
        Step(LaneUnits.House, staying.Any(node => node.Session == house) ? house : Target(staying, LaneUnits.House), true);
        return new(take, give);

        void Step(long unit, long target, bool mayTake)
        {
            var holder = leases.GetValueOrDefault(unit);
            if (holder == me && target != me)
                give.Add(unit);
            else if (target == me && mayTake && !sessions.Contains(holder))
                take.Add(unit);
        }
    }

    /// <summary>The session that should hold the unit; 0: there is none.</summary>
    public static long Target(IReadOnlyList<NodeRow> nodes, long unit)
    {
        var (best, found) = (0UL, 0L);
        foreach (var node in nodes)
        {
            var weight = Weight(node.Place, unit);
            if (found == 0 || weight > best || (weight == best && node.Session > found))
                (best, found) = (weight, node.Session);
        }

        return found;
    }

    // FNV-1a over the name, then the finalizer of SplitMix64 over both: the same on every machine, unlike string.GetHashCode.
    private static ulong Weight(string place, long unit)
    {
        var hash = 14695981039346656037UL;
        foreach (var octet in Encoding.UTF8.GetBytes(place))
            hash = (hash ^ octet) * 1099511628211UL;
        hash += (ulong)unit * 0x9E3779B97F4A7C15UL;
        hash = (hash ^ (hash >> 30)) * 0xBF58476D1CE4E5B9UL;
        hash = (hash ^ (hash >> 27)) * 0x94D049BB133111EBUL;
        return hash ^ (hash >> 31);
    }
}
