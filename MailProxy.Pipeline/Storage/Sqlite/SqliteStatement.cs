using System.Buffers;
using System.Text;
using MailProxy.Pipeline.Storage.Sql;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>One prepared statement of SQLite.</summary>
/// <remarks>
/// The one way to SQLite in the store, also for statements that run once (<see cref="Session.Run"/>). SqliteCommand looks up every
/// parameter by name and creates a reader for each call; on the hot path, with about seven statements per message, that costs more than
/// SQLite itself.
/// </remarks>
internal sealed class SqliteStatement : Statement
{
    // SQLITE_PREPARE_PERSISTENT: the statement lives as long as the connection.
    private const uint Persistent = 1;

    private readonly sqlite3 _db;
    private readonly sqlite3_stmt _handle;
    private readonly Action<SqliteException>? _damaged;
    private int _bound;

    /// <param name="isKept">It lives as long as the connection.</param>
    public SqliteStatement(sqlite3 db, string sql, Action<SqliteException>? damaged = null, bool isKept = true)
    {
        (_db, _damaged) = (db, damaged);
        Check(raw.sqlite3_prepare_v3(db, sql, isKept ? Persistent : 0, out _handle));
    }

    public override Statement Add(long value)
    {
        Check(raw.sqlite3_bind_int64(_handle, ++_bound, value));
        return this;
    }

    public override Statement Add(string? value)
    {
        if (value is null)
            return AddNull(ColumnKind.Text);
        var longest = Encoding.UTF8.GetMaxByteCount(value.Length);
        if (longest <= 512)
        {
            Span<byte> small = stackalloc byte[512];
            return AddText(small[..Encoding.UTF8.GetBytes(value, small)]);
        }

        var rented = ArrayPool<byte>.Shared.Rent(longest);
        AddText(rented.AsSpan(0, Encoding.UTF8.GetBytes(value, rented)));
        ArrayPool<byte>.Shared.Return(rented);
        return this;
    }

    public override Statement AddBlob(ReadOnlySpan<byte> value)
    {
        // An empty span has a null address, which SQLite takes for NULL.
        Check(value.IsEmpty ? raw.sqlite3_bind_zeroblob(_handle, ++_bound, 0) : raw.sqlite3_bind_blob(_handle, ++_bound, value));
        return this;
    }

    public override Statement AddNull(ColumnKind kind)
    {
        Check(raw.sqlite3_bind_null(_handle, ++_bound));
        return this;
    }

    public override bool Step()
    {
        var result = raw.sqlite3_step(_handle);
        if (result == raw.SQLITE_ROW)
            return true;
        if (result != raw.SQLITE_DONE)
        {
            // The exception is created first, because resetting clears the error message.
            try
            {
                SqliteException.ThrowExceptionForRC(result, _db);
            }
            catch (SqliteException error) when (StoreTrouble.IsDamage(error))
            {
                _damaged?.Invoke(error);
                throw;
            }
            finally
            {
                Reset();
            }
        }

        Reset();
        return false;
    }

    public override int Run()
    {
        while (Step())
        {
            // Skips the rows of a RETURNING clause.
        }

        return raw.sqlite3_changes(_db);
    }

    public override long Long(int column) => raw.sqlite3_column_int64(_handle, column);

    public override int Int(int column) => raw.sqlite3_column_int(_handle, column);

    public override bool IsNull(int column) => raw.sqlite3_column_type(_handle, column) == raw.SQLITE_NULL;

    public override string Text(int column) => raw.sqlite3_column_text(_handle, column).utf8_to_string() ?? "";

    public override byte[] Blob(int column) => raw.sqlite3_column_blob(_handle, column).ToArray();

    public override object? Value(int column) =>
        raw.sqlite3_column_type(_handle, column) switch
        {
            raw.SQLITE_INTEGER => Long(column),
            raw.SQLITE_TEXT => Text(column),
            raw.SQLITE_BLOB => Blob(column),
            _ => null,
        };

    /// <summary>A long, a double, the octets of a text or a blob, or null: whatever stands there, with all its octets.</summary>
    public object? Foreign(int column) =>
        raw.sqlite3_column_type(_handle, column) switch
        {
            raw.SQLITE_INTEGER => Long(column),
            raw.SQLITE_FLOAT => raw.sqlite3_column_double(_handle, column),
            raw.SQLITE_TEXT => Octets(column),
            raw.SQLITE_BLOB => Blob(column),
            _ => null,
        };

    public override Statement Reset()
    {
        raw.sqlite3_reset(_handle); // returns the error of the last step once more
        _bound = 0;
        return this;
    }

    public override void Dispose() => _handle.Dispose();

    /// <summary>A text as UTF-8, with all its octets.</summary>
    /// <remarks>Asked for as text first, so that a database in UTF-16 gives UTF-8 too.</remarks>
    public byte[] Octets(int column)
    {
        _ = raw.sqlite3_column_text(_handle, column);
        return Blob(column);
    }

    /// <summary>A text that is UTF-8 already.</summary>
    public Statement AddText(ReadOnlySpan<byte> utf8)
    {
        // As with blobs, a null address would mean NULL.
        Check(utf8.IsEmpty ? raw.sqlite3_bind_text(_handle, ++_bound, "") : raw.sqlite3_bind_text(_handle, ++_bound, utf8));
        return this;
    }

    private void Check(int result) => SqliteException.ThrowExceptionForRC(result, _db);
}
