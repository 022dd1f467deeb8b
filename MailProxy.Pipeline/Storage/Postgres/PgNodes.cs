using System.Diagnostics;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage.Nodes;
using MailProxy.Pipeline.Storage.Sql;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Storage.Postgres;

/// <summary>
/// This node among the others: on a thread and a connection of its own it beats, looks who lives, ends those that do not, and takes and
/// gives up lanes.
/// </summary>
internal sealed partial class PgNodes : INodes, IDisposable
{
    private static readonly TimeSpan AskAgain = TimeSpan.FromMilliseconds(20);

    private readonly object _gate = new(); // Monitor's Wait and Pulse need an object
    private readonly Func<PgSession> _open;
    private readonly NodeOptions _options;
    private readonly Claims _claims;
    private readonly PgNews _news;
    private readonly PgSignals _signals;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly PeerWatch _watch;
    private readonly PgRest _rest;
    private readonly LookPace _pace;
    private readonly PgLeases _leases;
    private readonly Thread _thread;
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Func<LaneUnits>? _units;
    private PgSession? _session;
    private NodeLook? _look;
    private long _seen; // the configuration's version that is in force here
    private bool _isPoked,
        _isStopping,
        _isTroubled,
        _isCutOff, // for so long that others may do what this node did
        _hasBegun; // the others know
    private volatile bool _isLeaving;

    public PgNodes(
        long me,
        Func<PgSession> open,
        NodeOptions options,
        Claims claims,
        PgNews news,
        PgSignals signals,
        TimeProvider clock,
        ILogger logger
    )
    {
        (Me, _open, _options, _claims, _news, _signals, _clock, _logger) = (me, open, options, claims, news, signals, clock, logger);
        _watch = new(options.TimeToLive, options.TimeToLive / 2);
        _pace = new(options.Beat);
        _leases = new(me, () => Changed?.Invoke(), logger);
        _rest = new(options, clock is NodeClock common ? common.Machine : clock);
        _thread = new(Run) { IsBackground = true, Name = "store nodes" };
    }

    public event Action? Changed;

    public event Action<long>? ConfigurationChanged;

    public event Action<NodeRequest>? Asked;

    public event Action<LaneKey, long>? LaneDue;

    public event Action? Missed;

    public bool IsShared => true;

    public long Me { get; }

    public LeaseView Now => _leases.Now;

    public bool IsInTouch => Rest > TimeSpan.Zero;

    public IReadOnlyList<NodeRow> Alive => Volatile.Read(ref _look)?.Nodes ?? [];

    public IReadOnlyDictionary<long, int> LanesOf => _leases.LanesOf;

    public long Configured => Volatile.Read(ref _look)?.Configuration ?? 0;

    public long HouseKeeper => _leases.Now.HouseKeeper;

    /// <summary>Faults when this node was declared dead, or because of a mistake.</summary>
    public Task Completion => _completion.Task;

    /// <summary>
    /// How long this node may still send without having heard of the database; below zero: others may have taken its lanes over.
    /// </summary>
    public TimeSpan Rest => _rest.Left;

    public void Begin(Func<LaneUnits> units, Func<IReadOnlyCollection<LaneKey>, Task> takeOver, Func<LaneKey, bool> isWritten)
    {
        _leases.TakeOverBy(takeOver, isWritten, Look);
        lock (_gate)
            _units = units;
        Look();
    }

    /// <summary>Begins to beat, before anything is held.</summary>
    public void Start() => _thread.Start();

    public void Look()
    {
        lock (_gate)
        {
            _isPoked = true;
            Monitor.PulseAll(_gate);
        }
    }

    public void Leave()
    {
        _isLeaving = true;
        Look();
    }

    public void WakeHolder(LaneKey lane, long due) => _signals.Lane(lane, due);

    public Task<long> ConfigurationAsync() => _news.ConfigurationAsync();

    public void IsInForce(long version)
    {
        lock (_gate)
            _seen = Math.Max(_seen, version);
        Look();
    }

    public void Ask(NodeRequest request) => _signals.Ask(request);

    public void Hear(NodeRequest request) => Asked?.Invoke(request);

    public void Hear(LaneKey lane, long due)
    {
        if (Now.Holds(lane))
            LaneDue?.Invoke(lane, due);
    }

    public void HasMissed()
    {
        Look();
        Missed?.Invoke();
    }

    public async Task<IReadOnlyList<string>> EverywhereAsync(TimeSpan within)
    {
        var begun = Stopwatch.GetTimestamp();
        var wanted = await ConfigurationAsync();
        _signals.Look();
        while (true)
        {
            // Asked each time, since one may have come a moment ago.
            var late = (await _news.NodesAsync()).Where(node => node.Session != Me && node.Seen < wanted).Select(static node => node.Name);
            string[] names = [.. late];
            if (names.Length == 0 || Stopwatch.GetElapsedTime(begun) > within)
                return names;
            await Task.Delay(AskAgain, _clock);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _isStopping = true;
            Monitor.PulseAll(_gate);
        }

        if (_thread.IsAlive)
            _thread.Join();
        _session?.Dispose();
    }

    private void Run()
    {
        try
        {
            do Beat();
            while (Wait());
            _completion.TrySetResult();
        }
        catch (Exception error)
        {
            Log.Ended(_logger, error.Message);
            _completion.TrySetException(error);
        }
    }

    // False: it must end.
    private bool Wait()
    {
        var until = _isTroubled ? (_isCutOff ? null : Rest) : _watch.UntilDead(Stopwatch.GetElapsedTime(0));
        var wait = _pace.Next(_leases.AnyWaiting, _isLeaving, until);
        var end = Stopwatch.GetTimestamp() + (long)(wait.TotalSeconds * Stopwatch.Frequency);
        lock (_gate)
        {
            while (!_isStopping && !_isPoked)
            {
                var rest = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), end);
                if (rest <= TimeSpan.Zero)
                    break;
                Monitor.Wait(_gate, rest + TimeSpan.FromMilliseconds(1));
            }

            _isPoked = false;
            return !_isStopping;
        }
    }

    private void Beat()
    {
        try
        {
            _session ??= _open();
            LookAround(_session);
            if (_isTroubled)
                Log.Again(_logger);
            _isTroubled = false;
        }
        catch (Exception error) when (PgTrouble.Describe(error) is { } trouble)
        {
            if (!_isTroubled)
                Log.Troubled(_logger, trouble);
            _isTroubled = true;
            _session?.Dispose();
            _session = null;
        }

        if (_isCutOff == IsInTouch)
        {
            _isCutOff = !_isCutOff;
            Changed?.Invoke();
        }
    }

    private void LookAround(PgSession session)
    {
        var began = _rest.Now();
        long seen;
        Func<LaneUnits>? units;
        lock (_gate)
            (seen, units) = (_seen, _units);

        // Who holds a lane keeps it until this node can take it: a start may last.
        var told = units is null ? NodeRow.Starting : seen;
        var now = _clock.GetUtcNow().ToUnixTimeMilliseconds();
        var look = PgNodeRows.Look(session, new(Me, now, told, _isLeaving, _options.Profiles()), _news.Suppressing, _clock);
        (_clock as NodeClock)?.Hear(look.Time.Told, look.Time.Asked, look.Time.Answered, _logger);
        if (look.Nodes.All(node => node.Session != Me))
            throw new NodeDeadException();
        if (look.LeastProgram > PgMigrator.Latest)
            throw NodeDeadException.TooOld(look.LeastProgram, PgMigrator.Latest);
        _rest.Renew(began);
        var before = Alive;
        Volatile.Write(ref _look, look);
        foreach (var dead in _watch.Look(look.Nodes.Where(node => node.Session != Me), Stopwatch.GetElapsedTime(0)))
            End(session, dead);
        _news.Take(look);
        if (look.Configuration > seen)
            ConfigurationChanged?.Invoke(look.Configuration); // at each look until it is in force, since nobody may have listened yet
        if (units is null)
            return;
        if (_leases.Step(session, look, units(), _claims) || !_hasBegun)
            _signals.Look(); // somebody else may take what was given up, or give up what is to be here
        _hasBegun = true;
        if (before.ExceptBy(look.Nodes.Select(static node => node.Session), static node => node.Session).Any())
            Missed?.Invoke(); // what it took last it may not have told
    }

    private void End(PgSession session, NodeRow node)
    {
        if (PgNodeRows.End(session, node, _clock.GetUtcNow().ToUnixTimeMilliseconds()))
        {
            Log.DeclaredDead(_logger, node.Name, node.Session, _options.TimeToLive.TotalSeconds);
            Look(); // to take over what it held
        }
    }
}
