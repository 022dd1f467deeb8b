using System.Data;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage.Postgres;
using MailProxy.Pipeline.Storage.Sql;
using Npgsql;
using NpgsqlTypes;

namespace MailProxy.Pipeline.Storage.Moves;

/// <summary>An empty database that is filled in one transaction.</summary>
internal sealed class PgTarget : PgSide, IMoveTarget
{
    private const string WithTriggers =
        $"SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal "
        + $"AND c.relnamespace = '{PgServer.Schema}'::regnamespace";

    private readonly NpgsqlTransaction _transaction;
    private readonly TimeProvider _clock;
    private readonly List<string> _withTriggers = [];

    private PgTarget(PgLink link, NpgsqlTransaction transaction, TimeProvider clock)
        : base(link)
    {
        (_transaction, _clock) = (transaction, clock);
    }

    /// <summary>Throws <see cref="StoreRefusedException"/> when the database cannot be filled. Changes nothing.</summary>
    public static void Check(MovePlace place)
    {
        using var link = PgLink.Open(place, out var version);
        link.RefuseInUse(place);
        if (version == 0)
            return;
        using var transaction = link.Begin(place, IsolationLevel.ReadCommitted);
        using var target = new PgTarget(link, transaction, TimeProvider.System);
        target.RefuseFilled(place);
    }

    /// <summary>Makes the schema when it is not there.</summary>
    public static PgTarget Open(MovePlace place, TimeProvider clock)
    {
        var link = PgLink.Open(place, out _);
        try
        {
            PgMigrator.Run(link.Connection, PgServer.Schema);
            var target = new PgTarget(link, link.Begin(place, IsolationLevel.ReadCommitted), clock);
            target.RefuseFilled(place);
            return target;
        }
        catch
        {
            link.Dispose();
            throw;
        }
    }

    public void Begin()
    {
        try
        {
            Link.Query(WithTriggers, [], row => _withTriggers.Add(row.GetString(0)));
            foreach (var table in _withTriggers)
                Link.Run($"ALTER TABLE {table} DISABLE TRIGGER USER");
            foreach (var table in Tables)
                Link.Run($"DELETE FROM {MoveTable.Quoted(table.Name)}");
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            throw Link.NotTheOwner(error);
        }
    }

    public IRowWriter Write(MoveTable table) => new RowWriter(Link, table);

    public void Set(IReadOnlyDictionary<string, long> numbers)
    {
        Link.Run(
            $"UPDATE turns SET last_event = {numbers.GetValueOrDefault("events")}, last_message = {numbers.GetValueOrDefault("messages")}"
        );
        foreach (var (table, column) in ReadIdentities())
        {
            // What setval changes by itself stays after a rollback; behind a restart it goes with it.
            Link.Run($"ALTER TABLE {MoveTable.Quoted(table)} ALTER COLUMN {MoveTable.Quoted(column)} RESTART WITH 1");
            if (numbers.GetValueOrDefault(table) is > 0 and var last)
                Link.Run($"SELECT setval(pg_get_serial_sequence('{table}', '{column}'), {last})");
        }
    }

    public IBodyWriter WriteBodies() => new BodyWriter(Link, _clock.GetUtcNow().ToUnixTimeMilliseconds());

    public void End()
    {
        Link.Run("INSERT INTO suppressing_tenants (tenant) SELECT DISTINCT tenant FROM suppressions ORDER BY tenant");
        foreach (var table in _withTriggers)
            Link.Run($"ALTER TABLE {table} ENABLE TRIGGER USER");
        foreach (var table in Tables)
            Link.Run($"ANALYZE {MoveTable.Quoted(table.Name)}");
    }

    public void Commit() => _transaction.Commit();

    public override void Dispose()
    {
        _transaction.Dispose();
        base.Dispose();
    }

    // A new schema has the tenant that every store has.
    private void RefuseFilled(MovePlace place)
    {
        var filled = Tables
            .Where(table => Count(table) > (table.Name == "tenants" ? 1 : 0))
            .Select(static table => table.Name)
            .Concat(Link.Number("SELECT 1::bigint FROM large_bodies LIMIT 1") is null ? [] : ["large_bodies"])
            .ToArray();
        if (filled.Length == 0)
            return;
        throw new StoreRefusedException(
            $"{place.Option}: the database {place.Name} has a store already (rows in {string.Join(", ", filled.Take(5))}"
                + $"{(filled.Length > 5 ? ", …" : "")}). Name an empty database; or, if nobody needs what is in it, run there: "
                + $"DROP SCHEMA {PgServer.Schema} CASCADE"
        );
    }

    private static NpgsqlDbType TypeOf(ColumnKind kind) =>
        kind switch
        {
            ColumnKind.Number => NpgsqlDbType.Bigint,
            ColumnKind.Text => NpgsqlDbType.Text,
            _ => NpgsqlDbType.Bytea,
        };

    private static NpgsqlBinaryImporter Copy(PgLink link, string table, string columns)
    {
        var importer = link.Connection.BeginBinaryImport($"COPY {table} ({columns}) FROM STDIN (FORMAT BINARY)");
        importer.Timeout = TimeSpan.Zero; // none
        return importer;
    }

    private sealed class RowWriter(PgLink link, MoveTable table) : IRowWriter
    {
        private readonly NpgsqlBinaryImporter _copy = Copy(link, MoveTable.Quoted(table.Name), table.ColumnList);
        private readonly NpgsqlDbType[] _types = [.. table.Columns.Select(static column => TypeOf(column.Kind))];

        public void Write(ReadOnlySpan<Cell> row)
        {
            _copy.StartRow();
            for (var i = 0; i < row.Length; i++)
            {
                if (row[i].IsNull)
                    _copy.WriteNull();
                else if (row[i].Octets is { } octets)
                    _copy.Write(octets, _types[i]);
                else
                    _copy.Write(row[i].Number, _types[i]);
            }
        }

        public void End() => _copy.Complete();

        public void Dispose() => _copy.Dispose();
    }

    private sealed class BodyWriter(PgLink link, long now) : IBodyWriter
    {
        private readonly NpgsqlBinaryImporter _copy = Copy(link, "large_bodies", "name, part, octets");
        private readonly List<(string Name, long Size)> _names = [];
        private string _name = "";
        private long _part,
            _size;

        public void Begin(string name) => (_name, _part, _size) = (name, 0, 0);

        public void Add(byte[] part)
        {
            _copy.StartRow();
            _copy.Write(_name, NpgsqlDbType.Text);
            _copy.Write(_part++, NpgsqlDbType.Bigint);
            _copy.Write(part, NpgsqlDbType.Bytea);
            _size += part.Length;
        }

        public void EndBody() => _names.Add((_name, _size));

        public void End()
        {
            _copy.Complete();
            _copy.Dispose();
            using var names = Copy(link, "large_body_names", "name, size, made_at");
            foreach (var (name, size) in _names)
            {
                names.StartRow();
                names.Write(name, NpgsqlDbType.Text);
                names.Write(size, NpgsqlDbType.Bigint);
                names.Write(now, NpgsqlDbType.Bigint);
            }

            names.Complete();
        }

        public void Dispose() => _copy.Dispose();
    }
}
