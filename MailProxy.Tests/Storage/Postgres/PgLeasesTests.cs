using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage.Nodes;
using MailProxy.Pipeline.Storage.Postgres;
using MailProxy.Pipeline.Storage.Sql;
using MailProxy.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Postgres;

/// <summary>
/// Lanes that share limits change hands together: what the limits were used for is known only when all of them are there.
/// </summary>
internal sealed class PgLeasesTests
{
    private const long Me = 1,
        Other = 2;

    private string _database = null!;
    private NpgsqlDataSource _source = null!;
    private PgSession _session = null!;
    private PgLeases _leases = null!;
    private Claims _claims = null!;
    private List<LaneKey[]> _taken = null!;

    [SetUp]
    public void Open()
    {
        _database = PostgresServer.Shared.MakeDatabase();
        _source = PgServer.Source(PostgresServer.Shared.ConnectionString(_database));
        _session = new(_source.OpenConnection());
        foreach (var session in new[] { Me, Other })
        {
            _session.Run(
                "INSERT INTO nodes (session, name, place, version, started_at) OVERRIDING SYSTEM VALUE VALUES (?1, ?2, ?2, '1', 1)",
                session,
                $"n{session}"
            );
        }

        _taking = static () => Task.CompletedTask;
        (_taken, _claims) = ([], new(new PgMarks(Me, static () => TimeSpan.Zero)));
        _leases = new(Me, static () => { }, NullLogger.Instance);
        _leases.TakeOverBy(
            lanes =>
            {
                lock (_taken)
                    _taken.Add([.. lanes.OrderBy(static lane => lane.Number)]);
                return _taking();
            },
            _ => _isWritten,
            static () => { }
        );
    }

    [TearDown]
    public void Close()
    {
        _session.Dispose();
        _source.Dispose();
        PostgresServer.Shared.DropDatabase(_database);
    }

    private static LaneKey Lane(int number) => Lanes.Of(new AccountKey(number));

    /// <summary>Accounts that the limits of the installation make one unit.</summary>
    private static LaneUnits Unit(params int[] accounts) =>
        LaneUnits.Of(
            new(
                [
                    .. accounts.Select(static number => new SmtpAccount
                    {
                        Key = new(number),
                        Tenant = "default",
                        Id = $"a{number}",
                        Version = 1,
                    }),
                ],
                null,
                new TenantDirectory([new() { Id = "default", Name = "Default" }]),
                new PoolDirectory([])
            ),
            new AccountLimits { PerMinute = 10 }
        );

    private void Lease(int lane, long session) =>
        _session.Run(
            "INSERT INTO leases (unit, session) VALUES (?1, ?2) ON CONFLICT (unit) DO UPDATE SET session = excluded.session",
            Lane(lane).Number,
            session
        );

    private long Holder(int lane) => _session.QueryNumber("SELECT session FROM leases WHERE unit = ?1", Lane(lane).Number)!.Value;

    private Func<Task> _taking = null!;
    private bool _isWritten = true;
    private long _version;

    /// <summary>A look at which the other node stops, so that all is to come here; or at which this one does.</summary>
    private void Step(LaneUnits units, bool isLeaving = false)
    {
        NodeRow[] nodes = [new(Me, "n1", "n1", "1", "", 0, 1, 0, 0, isLeaving), new(Other, "n2", "n2", "1", "", 0, 1, 0, 0, !isLeaving)];
        _leases.Step(_session, new(nodes, 0, 0, ++_version, false), units, _claims);
    }

    private async Task StepUntilHeldAsync(LaneUnits units, params int[] lanes) =>
        await Eventually.BecomesAsync(
            () =>
            {
                Step(units);
                return Task.FromResult(_leases.Now);
            },
            now => Array.TrueForAll(lanes, lane => now.Holds(Lane(lane)))
        );

    private static QueuedMail Ticket(int lane) => new(1, 1, Lane(lane), Priority.Medium, 1, 0, 1);

    [Test]
    public async Task Step_LanesOfAUnitComeOneAfterTheOther_AreTakenOverTogether()
    {
        Lease(1, 0);
        Lease(2, Other);
        var units = Unit(1, 2);
        Step(units);
        Assert.That((Holder(1), _taken.Count), Is.EqualTo((0L, 0)), "what the other one uses is not known yet");

        Lease(2, 0);
        await StepUntilHeldAsync(units, 1, 2);
        Assert.That(_taken, Is.EqualTo(new[] { new[] { Lane(1), Lane(2) } }));
    }

    [Test]
    public async Task Step_SomethingOfTheUnitIsUnderWayHere_IsTakenOverBehindIt()
    {
        var one = Unit(1);
        await StepUntilHeldAsync(one, 1);
        Assert.That(_claims.TryAdd(Ticket(1)), Is.True);

        Lease(2, 0);
        var both = Unit(1, 2);
        for (var i = 0; i < 3; i++)
            Step(both);
        Assert.That((_taken.Count, _leases.AnyWaiting), Is.EqualTo((1, true)));

        _claims.Remove(Ticket(1));
        await StepUntilHeldAsync(both, 1, 2);
        Assert.That(_taken[^1], Is.EqualTo(new[] { Lane(1), Lane(2) }));
    }

    [Test]
    public async Task Step_TakingOverFailedBehindWhatItFoundUnderWay_IsTriedAgain()
    {
        Lease(1, 0);
        Lease(2, 0);
        var units = Unit(1, 2);
        _taking = () =>
        {
            _claims.TryAdd(Ticket(1)); // an attempt of the node that had it, which nobody has settled yet
            _taking = static () => Task.CompletedTask;
            return Task.FromException(new InvalidOperationException("the database is away"));
        };
        Step(units);
        await Eventually.BecomesAsync(() => Task.FromResult(_claims.Lanes().Count), static lanes => lanes == 1);
        await StepUntilHeldAsync(Unit(1, 2, 3), 1, 2, 3); // an account was added meanwhile
    }

    [Test]
    public async Task Step_LaneThatIsNew_StopsNothingElse()
    {
        await StepUntilHeldAsync(Unit(1), 1);
        Assert.That(_claims.TryAdd(Ticket(1)), Is.True);

        var both = Unit(1, 2);
        Step(both);
        Assert.That(_leases.Now.Holds(Lane(1)), Is.True);
        await StepUntilHeldAsync(both, 1, 2);
        Assert.That(_taken[^1], Is.EqualTo(new[] { Lane(2) }));
    }

    [Test]
    public async Task Step_OneLaneOfTheUnitIsBusy_NothingOfItIsGivenUp()
    {
        var units = Unit(1, 2);
        await StepUntilHeldAsync(units, 1, 2);
        Assert.That(_claims.TryAdd(Ticket(1)), Is.True);

        Step(units, isLeaving: true);
        Assert.That((Holder(1), Holder(2), _leases.AnyWaiting), Is.EqualTo((Me, Me, true)));
        Assert.That(_leases.Now.Holds(Lane(2)), Is.False, "nothing new begins");

        _claims.Remove(Ticket(1));
        _isWritten = false;
        Step(units, isLeaving: true);
        Assert.That(Holder(2), Is.EqualTo(Me), "what became of its accounts is not in the store yet");

        _isWritten = true;
        Step(units, isLeaving: true);
        Assert.That((Holder(1), Holder(2)), Is.EqualTo((0L, 0L)));
    }
}
