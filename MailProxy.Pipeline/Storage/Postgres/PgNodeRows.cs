using System.Globalization;
using MailProxy.Pipeline.Storage.Nodes;
using MailProxy.Pipeline.Storage.Sql;

namespace MailProxy.Pipeline.Storage.Postgres;

/// <summary>What a look at the database tells of the nodes.</summary>
/// <param name="Nodes">Those that live, by session.</param>
/// <param name="LeaseVersion">Raised by every change of leases.</param>
internal sealed record NodeLook(IReadOnlyList<NodeRow> Nodes, long LastEvent, long Configuration, long LeaseVersion, bool HasTraces)
{
    public IReadOnlyList<(long Number, string Tenant)> Suppressing { get; init; } = [];

    /// <summary>The oldest version of the schema that a program must know.</summary>
    public long LeastProgram { get; init; }

    public DatabaseTime Time { get; init; }
}

/// <summary>What the database's clock showed.</summary>
/// <param name="Asked">The timestamp before the question.</param>
/// <param name="Answered">The timestamp behind the answer.</param>
internal readonly record struct DatabaseTime(DateTimeOffset Told, long Asked, long Answered);

/// <summary>What a node tells of itself.</summary>
/// <param name="At">Unix milliseconds, by its clock.</param>
/// <param name="Seen">The version of the configuration that is in force there, or <see cref="NodeRow.Starting"/>.</param>
internal readonly record struct NodeBeat(long Session, long At, long Seen, bool IsLeaving, string Profiles);

/// <summary>The statements of nodes and leases. None of them waits for a turn.</summary>
internal static class PgNodeRows
{
    private const string Beat =
        "UPDATE beats SET beat = beat + 1, beat_at = ?2, config_seen = ?3, leaving = ?4, profiles = ?5 WHERE session = ?1";

    private const string Alive = """
        SELECT n.session, n.name, n.place, n.version, b.profiles, n.started_at, b.beat, b.beat_at, b.config_seen, b.leaving, n.longest
        FROM nodes n JOIN beats b ON b.session = n.session WHERE n.dead_at IS NULL ORDER BY n.session
        """;

    private const string News = """
        SELECT last_event, config_version, (SELECT version FROM lease_changes), (EXISTS (SELECT 1 FROM message_traces))::int,
            (SELECT min_program FROM schema_version), (extract(epoch FROM clock_timestamp()) * 1000000)::bigint FROM turns
        """;

    private const string Clock = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";

    private const string Suppressing = "SELECT number, tenant FROM suppressing_tenants WHERE number > ?1 ORDER BY number";

    // Whose the units are is decided by the row of changes, which one after the other locks.
    private const string Take = """
        WITH changed AS (UPDATE lease_changes SET version = version + 1 RETURNING version)
        INSERT INTO leases (unit, session) SELECT u::bigint, ?1 FROM changed, unnest(string_to_array(?2, ',')) AS u
        ON CONFLICT (unit) DO UPDATE SET session = excluded.session
            WHERE NOT EXISTS (SELECT 1 FROM nodes WHERE nodes.session = leases.session AND nodes.dead_at IS NULL)
        RETURNING unit, (leases.xmax = 0)::int
        """;

    private const string Give = """
        WITH changed AS (UPDATE lease_changes SET version = version + 1 RETURNING version)
        UPDATE leases SET session = 0 FROM changed WHERE leases.session = ?1 AND unit = ANY(string_to_array(?2, ',')::bigint[])
        """;

    private const string Backends =
        "FROM pg_stat_activity WHERE application_name = ?1 AND usename = current_user AND datname = current_database() "
        + "AND pid <> pg_backend_pid()";

    private const string EndBackends = $"SELECT pg_terminate_backend(pid) {Backends}";
    private const string AnyBackend = $"SELECT 1 {Backends} LIMIT 1";

    // The row of beats is locked first: a node that wakes up meanwhile beats behind it, and finds itself dead.
    private const string Declare = """
        WITH last AS (SELECT session FROM beats WHERE session = ?1 AND beat = ?2 FOR UPDATE)
        UPDATE nodes SET dead_at = ?3 FROM last WHERE nodes.session = last.session AND dead_at IS NULL
        """;

    private const string NewNode = """
        INSERT INTO nodes (name, place, version, started_at, longest) VALUES (?1, ?2, ?3, ?4, ?5) RETURNING session
        """;

    /// <summary>Tells that this node lives, and reads what is to be known of all.</summary>
    public static NodeLook Look(Session session, NodeBeat mine, long suppressing, TimeProvider clock)
    {
        session.Prepare(Beat).Add(mine.Session).Add(mine.At).Add(mine.Seen).Add(mine.IsLeaving).Add(mine.Profiles).Post();
        var nodes = AllAlive(session);
        var row = session.Prepare(News);
        var asked = clock.GetTimestamp();
        row.Step();
        var look = new NodeLook(nodes, row.Long(0), row.Long(1), row.Long(2), row.Int(3) == 1)
        {
            LeastProgram = row.Long(4),
            Time = new(Moment(row.Long(5)), asked, clock.GetTimestamp()),
        };
        row.Reset();
        return look with { Suppressing = session.Query(Suppressing, static one => (one.Long(0), one.Text(1)), suppressing) };
    }

    public static DatabaseTime Time(Session session, TimeProvider clock)
    {
        var asked = clock.GetTimestamp();
        var told = Moment(session.QueryNumber(Clock)!.Value);
        return new(told, asked, clock.GetTimestamp());
    }

    public static IReadOnlyList<NodeRow> AllAlive(Session session) => session.Query(Alive, Row);

    public static Dictionary<long, long> Leases(Session session) =>
        session
            .Query("SELECT unit, session FROM leases WHERE session <> 0", static row => (Unit: row.Long(0), Session: row.Long(1)))
            .ToDictionary(static one => one.Unit, static one => one.Session);

    /// <summary>Takes what nobody who lives holds; those that it got, and whether nobody has ever held them.</summary>
    public static List<(long Unit, bool IsNew)> TakeLeases(Session session, long me, IEnumerable<long> units) =>
        session.Query(Take, static row => (row.Long(0), row.Int(1) == 1), me, List(units));

    public static void GiveLeases(Session session, long me, IEnumerable<long> units) => session.Run(Give, me, List(units));

    /// <summary>Whether the server has connections of the node. Those of a process that has ended are gone at once, those of a machine that
    /// has ended, or is not reached, only later.</summary>
    public static bool IsConnected(Session session, NodeRow node) =>
        session.QueryNumber(AnyBackend, PgServer.NameOf(node.Session)) is not null;

    /// <summary>Ends a node that does not beat any more: first its connections, which may hold locks. False: it has beaten.</summary>
    public static bool End(Session session, NodeRow node, long now)
    {
        session.Query(EndBackends, static row => row.Int(0), PgServer.NameOf(node.Session));
        return session.Run(Declare, node.Session, node.Beat, now) == 1;
    }

    public static long Enter(Session session, NodeOptions node, string place, string version, long now)
    {
        var longest = (long)node.TimeToLive.TotalMilliseconds;
        var me = session.QueryNumber(NewNode, node.Name, place, version, now, longest)!.Value;
        session.Run("INSERT INTO beats (session, beat_at, config_seen) VALUES (?1, ?2, ?3)", me, now, NodeRow.Starting);
        return me;
    }

    private static DateTimeOffset Moment(long microseconds) =>
        DateTimeOffset.UnixEpoch.AddTicks(microseconds * TimeSpan.TicksPerMicrosecond);

    private static NodeRow Row(Statement row) =>
        new(
            row.Long(0),
            row.Text(1),
            row.Text(2),
            row.Text(3),
            row.Text(4),
            row.Long(5),
            row.Long(6),
            row.Long(7),
            row.Long(8),
            row.Int(9) == 1
        )
        {
            TimeToLive = TimeSpan.FromMilliseconds(row.Long(10)),
        };

    public static string List(IEnumerable<long> numbers) =>
        string.Join(',', numbers.Select(static number => number.ToString(CultureInfo.InvariantCulture)));
}
