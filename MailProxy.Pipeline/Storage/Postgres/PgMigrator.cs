using System.Globalization;
using MailProxy.Pipeline.Disk;
using Npgsql;

namespace MailProxy.Pipeline.Storage.Postgres;

/// <summary>
/// Brings the schema forward, one transaction a step. Nodes that start together wait for each other. Steps only add: programs of the
/// version before go on beside them, until a step names a newer one as the oldest that may.
/// </summary>
internal static class PgMigrator
{
    private const string Folder = ".Storage.Postgres.Migrations.";

    // Any number that other programs hardly use.
    private const long LockKey = 0x4D61696C50726F78;

    public static IReadOnlyList<(int Number, string Name, string Sql)> Embedded { get; } = Load();

    /// <summary>The schema that this program knows.</summary>
    public static int Latest => Embedded[^1].Number;

    /// <summary>
    /// Throws <see cref="StoreRefusedException"/> when the schema is another program's, or a newer one that this may not use.
    /// </summary>
    public static void Run(NpgsqlConnection connection, string schema)
    {
        Execute(connection, "SET lock_timeout = '20s'");
        while (Step(connection, schema)) { }
        Execute(connection, "SET lock_timeout = 0");
    }

    private static bool Step(NpgsqlConnection connection, string schema)
    {
        using var transaction = connection.BeginTransaction();
        Execute(connection, $"SELECT pg_advisory_xact_lock({LockKey.ToString(CultureInfo.InvariantCulture)})");
        var version = Version(connection, schema);
        if (Embedded.FirstOrDefault(step => step.Number > version) is not { Sql: { } sql } next)
            return false;
        try
        {
            if (version == 0)
            {
                // Who may not make schemas may own one that was made for him.
                if (!Exists(connection, schema))
                    Execute(connection, $"CREATE SCHEMA {schema}");
                Execute(
                    connection,
                    "CREATE TABLE schema_version (version bigint NOT NULL, min_program bigint NOT NULL); "
                        + "INSERT INTO schema_version VALUES (0, 0)"
                );
            }

            Execute(connection, sql);
            Execute(connection, $"UPDATE schema_version SET version = {next.Number.ToString(CultureInfo.InvariantCulture)}");
            transaction.Commit();
            return true;
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            throw new StoreRefusedException(
                $"The role '{connection.UserName}' may not change the schema '{schema}' ({error.MessageText}). Run this in the database "
                    + $"'{connection.Database}' as its owner and start again: CREATE SCHEMA IF NOT EXISTS {schema}; ALTER SCHEMA {schema} "
                    + $"OWNER TO {Quoted(connection.UserName)};",
                error
            );
        }
        catch (PostgresException error)
        {
            throw new StoreRefusedException(
                $"The schema '{schema}' could not be brought to version {next.Number} ({next.Name}): {error.MessageText}. It is as it was "
                    + "before this step.",
                error
            );
        }
    }

    private static string Quoted(string? role) => $"\"{role?.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    private static bool Exists(NpgsqlConnection connection, string schema)
    {
        using var command = new NpgsqlCommand("SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1)", connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = schema });
        return (bool)command.ExecuteScalar()!;
    }

    /// <summary>
    /// The version of the schema; 0: there is none. Throws <see cref="StoreRefusedException"/> as <see cref="Run"/> does.
    /// </summary>
    public static int Version(NpgsqlConnection connection, string schema)
    {
        using var known = new NpgsqlCommand(
            "SELECT to_regclass($1 || '.schema_version') IS NOT NULL, EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = "
                + "c.relnamespace WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v', 'm', 'f'))",
            connection
        );
        known.Parameters.Add(new NpgsqlParameter<string> { TypedValue = schema });
        using (var row = known.ExecuteReader())
        {
            row.Read();
            if (!row.GetBoolean(0))
            {
                return row.GetBoolean(1) ? throw Foreign(connection, schema) : 0;
            }
        }

        var (version, least) = Told(connection, schema);
        if (version <= 0)
            throw new StoreRefusedException($"The schema '{schema}' does not say its version: see its table schema_version.");
        return least <= Latest
            ? (int)Math.Min(version, int.MaxValue)
            : throw new StoreRefusedException(
                $"The schema '{schema}' needs a newer program (it is of version {version}, and programs that know less than {least} may "
                    + $"not use it; this one knows {Latest}). It was not touched; install the newer version."
            );
    }

    private static (long Version, long Least) Told(NpgsqlConnection connection, string schema)
    {
        try
        {
            using var asked = new NpgsqlCommand($"SELECT version, min_program FROM {schema}.schema_version", connection);
            using var found = asked.ExecuteReader();
            return found.Read() ? (found.GetInt64(0), found.GetInt64(1)) : (0, 0);
        }
        catch (Exception error) when (error is InvalidCastException or PostgresException { SqlState: PostgresErrorCodes.UndefinedColumn })
        {
            throw Foreign(connection, schema, error);
        }
    }

    private static StoreRefusedException Foreign(NpgsqlConnection connection, string schema, Exception? found = null) =>
        new(
            $"The schema '{schema}' of the database '{connection.Database}' has tables of another program. Give MailProxy a database of "
                + "its own.",
            found
        );

    private static void Execute(NpgsqlConnection connection, string sql)
    {
        using var command = new NpgsqlCommand(sql, connection);
        command.ExecuteNonQuery();
    }

    private static (int Number, string Name, string Sql)[] Load()
    {
        var assembly = typeof(PgMigrator).Assembly;
        var found = new List<(int Number, string Name, string Sql)>();
        foreach (var resource in assembly.GetManifestResourceNames())
        {
            var at = resource.IndexOf(Folder, StringComparison.Ordinal);
            if (at < 0)
                continue;
            var name = resource[(at + Folder.Length)..^".sql".Length];
            using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!);
            found.Add((int.Parse(name.AsSpan(0, 4), NumberStyles.None, CultureInfo.InvariantCulture), name, reader.ReadToEnd()));
        }

        found.Sort(static (a, b) => a.Number.CompareTo(b.Number));
        return [.. found];
    }
}
