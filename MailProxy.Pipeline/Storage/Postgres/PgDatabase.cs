using System.Security.Cryptography;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage.Moves;
using MailProxy.Pipeline.Storage.Sql;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace MailProxy.Pipeline.Storage.Postgres;

/// <summary>A store in a PostgreSQL database.</summary>
public sealed class PgDatabase : StoreDatabase
{
    private readonly NpgsqlDataSource _source;
    private readonly PgTurns _turns;
    private readonly PgReaders _readers;
    private readonly PgReaders _stageReaders;
    private readonly PgMarks _marks;
    private readonly DataLock _lock;
    private readonly TimeProvider _clock;

    private PgDatabase(
        NpgsqlDataSource source,
        DataLock dataLock,
        long session,
        PgDatabaseOptions options,
        TimeProvider clock,
        PipelineHealth health,
        PipelineMetrics metrics,
        ILogger logger
    )
    {
        (_source, _lock, _clock, Health) = (source, dataLock, clock, health);
        _turns = new(source.OpenConnection, session);
        _readers = new(source, connections: 4);
        _stageReaders = new(source, connections: 2);
        Generations = _readers.Read(GenerationRows.Read);
        Suppressions = _readers.Read(static session => new SuppressionRows(session));
        Traces = _readers.Read(static session => new TraceRows(session));
        Events = new(_readers.Read(static session => session.LastNumber("events")));
        _marks = new(session);
        Claims = new(_marks);
        Counts = new PgTally(_readers, options.CountsGoodFor);
        Writer = new(_turns, Counts, Events, health, metrics, logger, options.BackOff);
        _marks.WriteBy(Writer);
        Writer.AddHooks(ended: Claims.ChangesOver);
        Writer.Start();
    }

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
    /// reached or is too old, when a right is missing, or when the schema is another program's or a newer one.
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
        NpgsqlDataSource? source = null;
        try
        {
            source = PgServer.Source(options.ConnectionString);
            long session;
            using (var connection = PgServer.OpenFirst(source))
            {
                PgMigrator.Run(connection, PgServer.Schema);
                session = Enter(connection, options, clock.GetUtcNow().ToUnixTimeMilliseconds());
            }

            return new(source, dataLock, session, options, clock, health, metrics, logger);
        }
        catch
        {
            source?.Dispose();
            dataLock.Dispose();
            throw;
        }
    }

    internal override async Task TakeOverAsync()
    {
        await _marks.AdoptAsync();
        Claims.Adopt();
    }

    internal override void ForgetOld()
    {
        // Rows that were deleted are gone for every reader; autovacuum takes their space.
    }

    internal override Task<bool> ReclaimAsync(bool busy) => Task.FromResult(false);

    public override void Dispose()
    {
        Writer.Dispose();
        _readers.Dispose();
        _stageReaders.Dispose();
        _turns.Leave(_clock.GetUtcNow().ToUnixTimeMilliseconds());
        _turns.Dispose();
        _source.Dispose();
        _lock.Dispose();
    }

    private static long Enter(NpgsqlConnection connection, PgDatabaseOptions options, long now)
    {
        using var session = new PgSession(connection);
        session.Run("BEGIN");
        session.Run(
            """
            INSERT INTO generations (number, id, key, first_event, first_audit, made_at)
            SELECT 1, ?1, ?2, 1, 1, ?3 WHERE NOT EXISTS (SELECT 1 FROM generations) ON CONFLICT DO NOTHING
            """,
            RandomNumberGenerator.GetBytes(StoreGeneration.IdSize),
            RandomNumberGenerator.GetBytes(StoreGeneration.KeySize),
            now
        );
        MovedNote.RefuseIn(session);
        PgPlace.Claim(session, options.DataDirectory);

        // Whoever used it before has ended, since this process holds the data directory now.
        session.Run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = ?1 AND usename = current_user "
                + "AND datname = current_database() AND pid <> pg_backend_pid()",
            PgServer.ApplicationName
        );
        session.Run("UPDATE nodes SET dead_at = ?1 WHERE dead_at IS NULL", now);
        var number = session.QueryNumber(
            "INSERT INTO nodes (name, place, version, profiles, started_at) VALUES (?1, ?2, ?3, '', ?4) RETURNING session",
            Environment.MachineName,
            options.DataDirectory,
            options.Version,
            now
        )!;
        session.Run("COMMIT");
        return number.Value;
    }
}

/// <summary>How a process uses its PostgreSQL database.</summary>
/// <param name="DataDirectory">This process has it for itself.</param>
/// <param name="Version">This program's version.</param>
public sealed record PgDatabaseOptions(string ConnectionString, string DataDirectory, string Version)
{
    /// <summary>The pause between two tries while the database cannot be written.</summary>
    public TimeSpan BackOff { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a count of the waiting mail is told.</summary>
    public TimeSpan CountsGoodFor { get; init; } = TimeSpan.FromSeconds(1);
}
