using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage.Nodes;
using MailProxy.Pipeline.Storage.Sql;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace MailProxy.Pipeline.Storage.Postgres;

/// <summary>A store in a PostgreSQL database.</summary>
public sealed class PgDatabase : StoreDatabase
{
    private readonly NpgsqlDataSource _source,
        _beatSource;

    // Seconds.
    private const double LongestBeat = 15;

    // A connection that is silently dead must not cost the node its life: there is time for another one.
    private const int BeatsInALife = 2;

    private readonly PgTurns _turns;
    private readonly PgReaders _readers;
    private readonly PgReaders _stageReaders;
    private readonly PgMarks _marks;
    private readonly PgNodes _nodes;
    private readonly PgSignals _signals;
    private readonly PgLargeBodies _bodies;
    private readonly PgRequests _requests;
    private readonly NodeOptions _nodeOptions;
    private readonly DataLock _lock;
    private readonly TimeProvider _clock;

    private PgDatabase(
        DataLock dataLock,
        long session,
        PgDatabaseOptions options,
        TimeProvider clock,
        PipelineHealth health,
        PipelineMetrics metrics,
        ILogger logger
    )
    {
        (_lock, _clock, _nodeOptions, Health) = (dataLock, clock, options.Nodes, health);
        var name = PgServer.NameOf(session);
        _source = PgServer.Source(options.ConnectionString, name);
        _beatSource = PgServer.Source(
            options.ConnectionString,
            name,
            (int)Math.Ceiling(Math.Min(options.Nodes.TimeToLive.TotalSeconds / BeatsInALife, LongestBeat))
        );
        _turns = new(_source.OpenConnection, session);
        _readers = new(_source, connections: 4);
        _stageReaders = new(_source, connections: 2);
        Generations = _readers.Read(GenerationRows.Read);
        var suppressing = _readers.Read(static session => session.QueryNumber(PgNews.LastSuppressing)) ?? 0;
        Suppressions = _readers.Read(static session => new SuppressionRows(session));
        Traces = _readers.Read(static session => new TraceRows(session));
        Events = new(_readers.Read(static session => session.LastNumber("events")));
        _marks = new(session, () => _nodes!.Rest);
        Claims = new(_marks);
        (_marks.Adopted, _marks.Disowned) = (Claims.Adopt, Claims.Remove);
        Counts = new PgTally(_readers, options.CountsGoodFor);
        Writer = new(_turns, Counts, Events, health, metrics, logger, options.BackOff);
        _marks.WriteBy(Writer);
        Writer.AddHooks(ended: Claims.ChangesOver);
        _signals = new(session, _source.OpenConnection, () => _nodes!.Alive.Count <= 1, clock, logger)
        {
            OnEvents = (last, tenants) =>
            {
                if (tenants is null)
                    Events.PublishToAll(last);
                else
                    Events.PublishTo(last, tenants);
            },
            OnLane = (lane, due) => _nodes!.Hear(lane, due),
            OnLook = () => _nodes!.Look(),
            OnAsked = request => _nodes!.Hear(request),
            OnMissed = () => _nodes!.HasMissed(),
        };
        var news = new PgNews(_readers, Events, Suppressions, Traces, suppressing);
        _nodes = new(session, () => new(_beatSource.OpenConnection()), options.Nodes, Claims, news, _signals, clock, logger);
        Events.Committed = _signals.Events;
        Claims.MayClaim = lane => _nodes.Now.Holds(lane);
        _bodies = new(_source, Writer, clock);
        _requests = new(_source.OpenConnection, _readers, options.Nodes.Name);
        Writer.Start();
        _nodes.Start();
        _signals.Start();
    }

    public override INodes Nodes => _nodes;

    public override ILargeBodies LargeBodies => _bodies;

    public override IRequestStore Requests => _requests;

    public override Task Completion => Task.WhenAny(Writer.Completion, _nodes.Completion).Unwrap();

    public override StoreGenerations Generations { get; }

    internal override CommitLoop Writer { get; }

    internal override StoreReaders Readers => _readers;

    internal override StoreReaders StageReaders => _stageReaders;

    internal override EventSignal Events { get; }

    internal override IWaitingTally Counts { get; }

    internal override SuppressionRows Suppressions { get; }

    internal override TraceRows Traces { get; }

    internal override Claims Claims { get; }

    internal override PipelineHealth Health { get; }

    /// <summary>
    /// Connects, brings the schema forward, and enters this node. Throws <see cref="StoreRefusedException"/> when the server cannot be
    /// reached or is too old, when a right is missing, when the schema is another program's or a newer one, or when a node of this name
    /// lives.
    /// </summary>
    public static PgDatabase Open(
        PgDatabaseOptions options,
        PipelineHealth health,
        PipelineMetrics metrics,
        TimeProvider clock,
        ILogger logger
    )
    {
        Directory.CreateDirectory(options.DataDirectory);
        var dataLock = DataLock.Take(options.DataDirectory);
        try
        {
            using var source = PgServer.Source(options.ConnectionString);
            using var connection = PgServer.OpenFirst(source);
            PgMigrator.Run(connection, PgServer.Schema);
            if (clock is NodeClock common)
                Follow(common, connection, logger);
            var session = PgEntry.Enter(connection, options, clock);
            return new(dataLock, session, options, clock, health, metrics, logger);
        }
        catch (Exception error) when (PgTrouble.Describe(error) is { } trouble)
        {
            dataLock.Dispose();
            throw new StoreRefusedException($"The store cannot be opened: {trouble}.{Remedy(error)}", error);
        }
        catch
        {
            dataLock.Dispose();
            throw;
        }
    }

    private static string Remedy(Exception error) =>
        (error as PostgresException)?.SqlState switch
        {
            PostgresErrorCodes.UndefinedTable => " A pooler in between must be in session mode; else a table is missing.",
            PostgresErrorCodes.InsufficientPrivilege =>
                $" The role must own the schema and all that is in it: ALTER SCHEMA {PgServer.Schema} OWNER TO it.",
            PostgresErrorCodes.ReadOnlySqlTransaction => " The connection string names the server that takes writes.",
            _ => "",
        };

    private static void Follow(NodeClock clock, NpgsqlConnection connection, ILogger logger)
    {
        var time = PgNodeRows.Time(new PgSession(connection), clock);
        clock.Hear(time.Told, time.Asked, time.Answered, logger);
    }

    internal override Task<IReadOnlyList<FlightRecord>> TakeOverAsync(IReadOnlyCollection<LaneKey> lanes) => _marks.AdoptAsync(lanes);

    internal override Task AgreeOnKeysAsync(SecretBox box) => PgKeys.AgreeAsync(Writer, _nodes.Me, _nodeOptions, box, _clock);

    internal override void SweepLargeBodies()
    {
        if (_nodes.Now.KeepsHouse)
            _bodies.Sweep();
    }

    // One statement, since each of the many that a lane would take is a round trip.
    internal override IReadOnlyList<(LaneKey Lane, long Due)> Lanes(Session session) =>
        session.Query(PgLaneSql.Waiting, static row => (new LaneKey(row.Int(0)), row.Long(1)));

    internal override void ForgetOld()
    {
        // Rows that were deleted are gone for every reader; autovacuum takes their space.
    }

    internal override Task<bool> ReclaimAsync(bool busy) => Task.FromResult(false);

    public override void Dispose()
    {
        Writer.Dispose();
        _signals.Dispose();
        _nodes.Dispose();
        _requests.Dispose();
        _readers.Dispose();
        _stageReaders.Dispose();
        _turns.Leave(_clock.GetUtcNow().ToUnixTimeMilliseconds());
        _turns.Dispose();
        _beatSource.Dispose();
        _source.Dispose();
        _lock.Dispose();
    }
}

/// <summary>How a process uses its PostgreSQL database.</summary>
/// <param name="DataDirectory">This process has it for itself.</param>
/// <param name="Version">This program's version.</param>
public sealed record PgDatabaseOptions(string ConnectionString, string DataDirectory, string Version)
{
    /// <summary>This node among others.</summary>
    public NodeOptions Nodes { get; init; } = NodeOptions.Of(Environment.MachineName);

    /// <summary>The pause between two tries while the database cannot be written.</summary>
    public TimeSpan BackOff { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a count of the waiting mail is told.</summary>
    public TimeSpan CountsGoodFor { get; init; } = TimeSpan.FromSeconds(1);
}
