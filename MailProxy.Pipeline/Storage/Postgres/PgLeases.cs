using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage.Nodes;
using MailProxy.Pipeline.Storage.Sql;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Storage.Postgres;

/// <summary>
/// What this node holds. A lane goes from one node to the other when the first has nothing of it under way any more, and is sent for by
/// the second when it has taken over what was left. Steps are taken by the thread of <see cref="PgNodes"/>.
/// </summary>
internal sealed partial class PgLeases(long me, Action changed, ILogger logger)
{
    private readonly Lock _gate = new();
    private readonly HashSet<long> _ready = []; // taken over
    private HashSet<long> _giving = [];
    private Dictionary<long, long> _leases = [];
    private IReadOnlyList<NodeRow> _nodes = [];
    private LaneUnits? _units;
    private long _version = -1;
    private Task _takingOver = Task.CompletedTask;
    private Func<IReadOnlyCollection<LaneKey>, Task>? _takeOver;
    private Action? _again;
    private HeldLanes _now = HeldLanes.None;
    private IReadOnlyDictionary<long, int> _lanesOf = new Dictionary<long, int>();

    public HeldLanes Now => Volatile.Read(ref _now);

    public IReadOnlyDictionary<long, int> LanesOf => Volatile.Read(ref _lanesOf);

    public bool AnyGiving => Volatile.Read(ref _giving).Count > 0;

    /// <param name="again">Called when a taking over has ended.</param>
    public void TakeOverBy(Func<IReadOnlyCollection<LaneKey>, Task> takeOver, Action again) => (_takeOver, _again) = (takeOver, again);

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
            Set(PgNodeRows.TakeLeases(session, me, steps.Take), me);
            _version = -1; // what it did not get is read at the next look
            isNew = true;
        }

        // Of the house nothing is given up before the end: who does it is in the middle of something.
        var giving = steps.Give.Where(static unit => unit != LaneUnits.House).ToHashSet();
        if (!giving.SetEquals(_giving))
        {
            Volatile.Write(ref _giving, giving);
            isNew = true;
        }

        if (isNew)
            Renew();
        var gave = GiveUp(session, claims);
        TakeOver();
        return gave;
    }

    private bool SameNodes(IReadOnlyList<NodeRow> nodes) =>
        nodes
            .Select(static node => (node.Session, node.IsLeaving))
            .SequenceEqual(_nodes.Select(static node => (node.Session, node.IsLeaving)));

    // After Renew: nothing more of these is claimed.
    private bool GiveUp(Session session, Claims claims)
    {
        if (_giving.Count == 0)
            return false;
        bool isReady(long unit)
        {
            lock (_gate)
                return _takingOver.IsCompleted || _ready.Contains(unit);
        }

        var busy = claims.Lanes();
        long[] dry = [.. _giving.Where(unit => !busy.Contains(new((int)unit)) && isReady(unit))];
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

    private void TakeOver()
    {
        if (!_takingOver.IsCompleted || _takeOver is null)
            return;
        long[] gained;
        lock (_gate)
        {
            _ready.RemoveWhere(unit => _leases.GetValueOrDefault(unit) != me);
            gained = [.. _leases.Where(one => one.Value == me && !_ready.Contains(one.Key)).Select(static one => one.Key)];
            if (gained.Contains(LaneUnits.House))
                _ready.Add(LaneUnits.House);
        }

        if (gained.Length == 0)
            return;
        LaneKey[] lanes = [.. gained.Where(static unit => unit != LaneUnits.House).Select(static unit => new LaneKey((int)unit))];
        Renew();
        if (lanes.Length > 0)
            _takingOver = Task.Run(() => TakeOverAsync(lanes));
    }

    private async Task TakeOverAsync(LaneKey[] lanes)
    {
        try
        {
            await _takeOver!(lanes);
            lock (_gate)
                _ready.UnionWith(lanes.Select(static lane => (long)lane.Number));
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
