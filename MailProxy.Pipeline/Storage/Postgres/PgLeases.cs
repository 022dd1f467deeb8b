using System.Diagnostics;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage.Nodes;
using MailProxy.Pipeline.Storage.Sql;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Storage.Postgres;

/// <summary>
/// What this node holds. A lane goes from one node to the other when the first has nothing of it under way any more. The second takes a
/// unit over as a whole, when all its lanes are there: what its limits were used for is known only then. Steps are taken by the thread of
/// <see cref="PgNodes"/>.
/// </summary>
internal sealed partial class PgLeases(long me, Action changed, ILogger logger)
{
    private const long OfDeleted = 1L << 50; // apart from the numbers of units

    private readonly Lock _gate = new();
    private readonly HashSet<long> _ready = []; // taken over
    private readonly HashSet<long> _begun = []; // being taken over, or tried to be: what is under way of them is what was found
    private readonly HashSet<long> _new = []; // nobody has held them before
    private readonly HandOvers _handOvers = new();
    private HashSet<long> _giving = [];
    private Dictionary<long, long> _leases = [];
    private IReadOnlyList<NodeRow> _nodes = [];
    private LaneUnits? _units;
    private long _version = -1;
    private Task _takingOver = Task.CompletedTask;
    private Func<IReadOnlyCollection<LaneKey>, Task>? _takeOver;
    private Func<LaneKey, bool> _isWritten = static _ => true;
    private Action? _again;
    private HeldLanes _now = HeldLanes.None;
    private IReadOnlyDictionary<long, int> _lanesOf = new Dictionary<long, int>();
    private bool _isUnitBusy; // one that waits for being taken over

    public HeldLanes Now => Volatile.Read(ref _now);

    public IReadOnlyDictionary<long, int> LanesOf => Volatile.Read(ref _lanesOf);

    /// <summary>Whether lanes are to change hands as soon as nothing of them is under way here.</summary>
    public bool AnyWaiting => _giving.Count > 0 || _isUnitBusy;

    /// <param name="isWritten">Whether the store knows all that the next node needs to know of a lane.</param>
    /// <param name="again">Called when a taking over has ended.</param>
    public void TakeOverBy(Func<IReadOnlyCollection<LaneKey>, Task> takeOver, Func<LaneKey, bool> isWritten, Action again) =>
        (_takeOver, _isWritten, _again) = (takeOver, isWritten, again);

    /// <summary>Takes and gives what is to be. True: something was given up, or could be taken by others.</summary>
    public bool Step(Session session, NodeLook look, LaneUnits units, Claims claims)
    {
        var isNew = look.LeaseVersion != _version || !ReferenceEquals(units, _units) || !SameNodes(look.Nodes);
        var leases = look.LeaseVersion != _version ? PgNodeRows.Leases(session) : _leases;
        lock (_gate)
            (_version, _units, _nodes, _leases) = (look.LeaseVersion, units, look.Nodes, leases);
        var steps = LeasePlan.Of(me, look.Nodes, _leases, units);
        if (steps.Take.Count > 0)
        {
            var got = PgNodeRows.TakeLeases(session, me, steps.Take);
            _new.ExceptWith(got.Select(static one => one.Unit));
            _new.UnionWith(got.Where(static one => one.IsNew).Select(static one => one.Unit));
            Set([.. got.Select(static one => one.Unit)], me);
            _version = -1; // what it did not get is read at the next look
            isNew = true;
        }

        // Of the house nothing is given up before the end: who does it is in the middle of something.
        var wanted = steps.Give.Where(static unit => unit != LaneUnits.House).ToLookup(lane => UnitOf(units, lane));
        var isLeaving = look.Nodes.Any(node => node.Session == me && node.IsLeaving);
        bool staysClosed(long unit) => isLeaving || units.ByUnit[unit].Any(lane => _leases.GetValueOrDefault(lane.Number) != me);
        var closed = _handOvers.Closed(wanted.Select(static unit => unit.Key).ToHashSet(), staysClosed, Stopwatch.GetElapsedTime(0));
        var giving = wanted.Where(unit => closed.Contains(unit.Key)).SelectMany(static unit => unit).ToHashSet();
        if (!giving.SetEquals(_giving))
        {
            Volatile.Write(ref _giving, giving);
            isNew = true;
        }

        if (isNew)
            Renew();
        var gave = GiveUp(session, units, claims);
        TakeOver(units, claims);
        return gave;
    }

    private bool SameNodes(IReadOnlyList<NodeRow> nodes) =>
        nodes
            .Select(static node => (node.Session, node.IsLeaving))
            .SequenceEqual(_nodes.Select(static node => (node.Session, node.IsLeaving)));

    // A lane whose account or pool was deleted is a unit by itself.
    private static long UnitOf(LaneUnits units, long lane) =>
        units.OfLanes.TryGetValue(new((int)lane), out var unit) ? unit : OfDeleted + lane;

    // After Renew: nothing more of these is claimed. A unit goes as a whole.
    private bool GiveUp(Session session, LaneUnits units, Claims claims)
    {
        if (_giving.Count == 0)
            return false;
        bool isReady(long lane)
        {
            lock (_gate)
                return (_takingOver.IsCompleted || _ready.Contains(lane)) && _isWritten(new((int)lane));
        }

        var busy = claims.Lanes();
        long[] dry =
        [
            .. _giving
                .GroupBy(lane => UnitOf(units, lane))
                .Where(unit => unit.All(lane => !busy.Contains(new((int)lane)) && isReady(lane)))
                .SelectMany(static unit => unit),
        ];
        if (dry.Length == 0)
            return false;
        PgNodeRows.GiveLeases(session, me, dry);
        lock (_gate)
            _ready.ExceptWith(dry);
        Set(dry, 0);
        var left = _giving.Except(dry).ToHashSet();
        Volatile.Write(ref _giving, left);
        _version = -1;
        Renew();
        return true;
    }

    private void TakeOver(LaneUnits units, Claims claims)
    {
        if (!_takingOver.IsCompleted || _takeOver is null)
            return;
        long[] gained;
        lock (_gate)
        {
            _ready.RemoveWhere(unit => _leases.GetValueOrDefault(unit) != me);
            _begun.RemoveWhere(unit => _leases.GetValueOrDefault(unit) != me);
            gained = [.. _leases.Where(one => one.Value == me && !_ready.Contains(one.Key)).Select(static one => one.Key)];
            if (gained.Contains(LaneUnits.House))
                _ready.Add(LaneUnits.House);
        }

        _isUnitBusy = false;
        if (gained.Length == 0)
            return;
        var whole = Whole(gained.Where(static unit => unit != LaneUnits.House), units, claims);
        LaneKey[] lanes = [.. whole.Select(static unit => new LaneKey((int)unit))];
        lock (_gate)
        {
            _ready.ExceptWith(whole);
            _begun.UnionWith(whole);
        }

        Renew();
        if (lanes.Length > 0)
            _takingOver = Task.Run(() => TakeOverAsync(lanes));
    }

    // Of units whose lanes are all here, and of which nothing is under way, every lane. Lanes that are new add nothing to what is known.
    private HashSet<long> Whole(IEnumerable<long> gained, LaneUnits units, Claims claims)
    {
        var (whole, busy) = (new HashSet<long>(), claims.Lanes());
        foreach (var unit in gained.ToLookup(lane => UnitOf(units, lane)))
        {
            var all = units.ByUnit[unit.Key].ToArray();
            if (all.Length == 0 || (unit.All(_new.Contains) && Array.Exists(all, lane => _ready.Contains(lane.Number))))
                whole.UnionWith(unit);
            else if (!Array.TrueForAll(all, lane => _leases.GetValueOrDefault(lane.Number) == me))
                continue;
            else if (Array.Exists(all, lane => busy.Contains(lane) && !_begun.Contains(lane.Number)))
                Close(all);
            else
                whole.UnionWith(all.Select(static lane => (long)lane.Number));
        }

        return whole;
    }

    // Nothing new begins until it can be taken over.
    private void Close(LaneKey[] unit)
    {
        _isUnitBusy = true;
        lock (_gate)
            _ready.ExceptWith(unit.Select(static lane => (long)lane.Number));
    }

    private async Task TakeOverAsync(LaneKey[] lanes)
    {
        try
        {
            await _takeOver!(lanes);
            lock (_gate)
            {
                _ready.UnionWith(lanes.Select(static lane => (long)lane.Number));
                _begun.ExceptWith(lanes.Select(static lane => (long)lane.Number));
            }

            Renew();
        }
        catch (Exception error)
        {
            // It is tried again at the next beat; until then nobody sends for them.
            Log.NotTakenOver(logger, lanes.Length, error);
            return;
        }

        _again!();
    }

    private void Set(IReadOnlyCollection<long> units, long holder)
    {
        var leases = new Dictionary<long, long>(_leases);
        foreach (var unit in units)
            leases[unit] = holder;
        lock (_gate)
            _leases = leases;
    }

    private void Renew()
    {
        lock (_gate)
        {
            var names = _nodes.ToDictionary(static node => node.Session, static node => node.Name);
            Volatile.Write(ref _now, new HeldLanes(me, _leases, _ready.ToHashSet(), _giving, _units, names));
            Volatile.Write(
                ref _lanesOf,
                _leases.Where(static one => one.Key != LaneUnits.House).CountBy(static one => one.Value).ToDictionary()
            );
        }

        changed();
    }

    private static partial class Log
    {
        [LoggerMessage(734, LogLevel.Warning, "{Count} lanes could not be taken over; this is tried again")]
        public static partial void NotTakenOver(ILogger logger, int count, Exception fault);
    }
}
