using System.Data;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage.Nodes;
using MailProxy.Pipeline.Storage.Sql;
using Npgsql;

namespace MailProxy.Pipeline.Storage.Postgres;

/// <summary>Large bodies in the database, in parts; each comes and goes by a connection of its own, so that no turn waits for it.</summary>
internal sealed class PgLargeBodies(NpgsqlDataSource source, CommitLoop writer, TimeProvider clock) : ILargeBodies
{
    public const int PartSize = 256 * 1024;

    /// <summary>Bodies that no row names, and that are older (milliseconds), are of submissions that were never committed.</summary>
    private const long OrphanAge = 3_600_000;

    private const string PutPart = "INSERT INTO large_bodies (name, part, octets) VALUES ($1, $2, $3)";
    private const string PutName = "INSERT INTO large_body_names (name, size, made_at) VALUES ($1, $2, $3)";

    // One statement, which sees all of it or nothing: it may be removed meanwhile.
    private const string Parts = """
        SELECT n.size, b.octets FROM large_body_names n JOIN large_bodies b ON b.name = n.name WHERE n.name = $1 ORDER BY b.part
        """;

    private const string PartsInTurn = "SELECT octets FROM large_bodies WHERE name = ?1 ORDER BY part";
    private const string SizeInTurn = "SELECT size FROM large_body_names WHERE name = ?1";

    private const string Remove = """
        WITH gone AS (DELETE FROM large_body_names WHERE name = ?1 RETURNING name)
        DELETE FROM large_bodies USING gone WHERE large_bodies.name = gone.name
        """;

    private const string RemoveOrphans = """
        WITH gone AS (DELETE FROM large_body_names n WHERE made_at < ?1 AND NOT EXISTS (SELECT 1 FROM bodies b WHERE b.spool = n.name)
            RETURNING name)
        DELETE FROM large_bodies USING gone WHERE large_bodies.name = gone.name
        """;

    public async Task PutAsync(string name, string path)
    {
        try
        {
            await using var connection = await source.OpenConnectionAsync();
            await using var transaction = await connection.BeginTransactionAsync();
            using var file = File.OpenHandle(path, options: FileOptions.Asynchronous);
            var part = new byte[PartSize];
            long size = 0;
            for (var number = 0L; await RandomAccess.ReadAsync(file, part, size) is > 0 and var read; number++, size += read)
            {
                await using var put = new NpgsqlCommand(PutPart, connection);
                put.Parameters.Add(new NpgsqlParameter<string> { TypedValue = name });
                put.Parameters.Add(new NpgsqlParameter<long> { TypedValue = number });
                put.Parameters.Add(new NpgsqlParameter<ReadOnlyMemory<byte>> { TypedValue = part.AsMemory(0, read) });
                await put.ExecuteNonQueryAsync();
            }

            await using var named = new NpgsqlCommand(PutName, connection);
            named.Parameters.Add(new NpgsqlParameter<string> { TypedValue = name });
            named.Parameters.Add(new NpgsqlParameter<long> { TypedValue = size });
            named.Parameters.Add(new NpgsqlParameter<long> { TypedValue = clock.GetUtcNow().ToUnixTimeMilliseconds() });
            await named.ExecuteNonQueryAsync();
            await transaction.CommitAsync();
        }
        catch (Exception error) when (PgTrouble.Describe(error) is { } trouble)
        {
            throw new IOException($"The body cannot be kept for other nodes: {trouble}.", error);
        }
    }

    public async Task<bool> FetchAsync(string name, string path)
    {
        try
        {
            await using var connection = await source.OpenConnectionAsync();
            await using var parts = new NpgsqlCommand(Parts, connection);
            parts.Parameters.Add(new NpgsqlParameter<string> { TypedValue = name });
            await using var reader = await parts.ExecuteReaderAsync(CommandBehavior.SequentialAccess);
            using var copy = new Copy(path);
            long? size = null;
            while (await reader.ReadAsync())
            {
                size = reader.GetInt64(0);
                copy.Add(await reader.GetFieldValueAsync<byte[]>(1));
            }

            if (size is not { } whole)
                return false;
            copy.Finish(whole);
            return true;
        }
        catch (Exception error) when (PgTrouble.Describe(error) is { } trouble)
        {
            throw new StoreUnavailableException($"The store cannot read now: {trouble}.", error);
        }
    }

    // A trouble on the way is the turn's own.
    byte[]? ILargeBodies.Read(Session session, string name)
    {
        if (session.QueryNumber(SizeInTurn, name) is not { } size)
            return null;
        using var whole = new MemoryStream((int)size);
        foreach (var part in session.Query(PartsInTurn, static row => row.Blob(0), name))
            whole.Write(part);
        return whole.Length == size ? whole.ToArray() : null;
    }

    public void Delete(string name) => Write(session => session.Run(Remove, name));

    /// <summary>Removes what no row names.</summary>
    public void Sweep()
    {
        var before = clock.GetUtcNow().ToUnixTimeMilliseconds() - OrphanAge;
        Write(session => session.Run(RemoveOrphans, before));
    }

    // Nobody waits for it, and a sweep comes after it: that it failed is of no consequence.
    private void Write(Func<Session, int> write) =>
        _ = writer.WriteAsync(write).ContinueWith(static done => _ = done.Exception, TaskContinuationOptions.OnlyOnFaulted);

    /// <summary>A copy that has its name only when it is whole.</summary>
    private sealed class Copy(string path) : IDisposable
    {
        private readonly string _draft = $"{path}.{Guid.NewGuid():N}{SpoolDraft.Suffix}";
        private FileStream? _file;

        public void Add(byte[] part)
        {
            _file ??= new(_draft, FileMode.CreateNew, FileAccess.Write); // in a directory that nobody else may enter
            _file.Write(part);
        }

        public void Finish(long size)
        {
            var length = _file?.Length ?? 0;
            _file?.Flush(flushToDisk: true); // else a power cut may leave a file of this name that is empty
            _file?.Dispose();
            _file = null;
            if (length != size)
                throw new IOException($"The database has {length} octets of a body of {size}.");
            File.Move(_draft, path, overwrite: true);
        }

        public void Dispose()
        {
            _file?.Dispose();
            File.Delete(_draft);
        }
    }
}
