using System.Buffers;
using System.Text;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>
/// One prepared statement, reused on one connection by one thread at a time. Parameters are added in order (?1, ?2, …).
/// </summary>
/// <remarks>
/// The one way to SQLite in the store, also for statements that run once (<see cref="Session.Run"/>). SqliteCommand looks up every
/// parameter by name and creates a reader for each call; on the hot path, with about seven statements per message, that costs more than
/// SQLite itself.
/// </remarks>
internal sealed class Statement : IDisposable
{
    // SQLITE_PREPARE_PERSISTENT: the statement lives as long as the connection.
    private const uint Persistent = 1;

    private readonly sqlite3 _db;
    private readonly sqlite3_stmt _handle;
    private readonly Action<SqliteException>? _damaged;
    private int _bound;

    /// <param name="isKept">It lives as long as the connection.</param>
    public Statement(sqlite3 db, string sql, Action<SqliteException>? damaged = null, bool isKept = true)
    {
        (_db, _damaged) = (db, damaged);
        Check(raw.sqlite3_prepare_v3(db, sql, isKept ? Persistent : 0, out _handle));
    }

    public Statement Add(long value)
    {
        Check(raw.sqlite3_bind_int64(_handle, ++_bound, value));
        return this;
    }

    public Statement Add(bool value) => Add(value ? 1L : 0L);

    public Statement Add(long? value) => value is { } number ? Add(number) : AddNull();

    public Statement Add(string? value)
    {
        if (value is null)
            return AddNull();
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

    public Statement Add(byte[]? value) => value is null ? AddNull() : AddBlob(value);

    /// <summary>Adds parameters in order: numbers, flags, texts, blobs or null.</summary>
    public Statement AddAll(ReadOnlySpan<object?> values)
    {
        foreach (var value in values)
        {
            _ = value switch
            {
                null => AddNull(),
                long number => Add(number),
                int number => Add((long)number),
                bool flag => Add(flag),
                string text => Add(text),
                byte[] blob => Add(blob),
                _ => throw new ArgumentException(
                    $"A parameter is of the type {value.GetType().Name}, which no column has.",
                    nameof(values)
                ),
            };
        }

        return this;
    }

    public Statement AddBlob(ReadOnlySpan<byte> value)
    {
        // An empty span has a null address, which SQLite takes for NULL.
        Check(value.IsEmpty ? raw.sqlite3_bind_zeroblob(_handle, ++_bound, 0) : raw.sqlite3_bind_blob(_handle, ++_bound, value));
        return this;
    }

    public Statement AddNull()
    {
        Check(raw.sqlite3_bind_null(_handle, ++_bound));
        return this;
    }

    /// <summary>Moves to the next row; false when there is none, and the statement is then reset.</summary>
    public bool Step()
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

    /// <summary>Runs to the end, and returns the number of changed rows.</summary>
    public int Run()
    {
        while (Step())
        {
            // Skips the rows of a RETURNING clause.
        }

        return raw.sqlite3_changes(_db);
    }

    /// <summary>The first column of the first row; null when there is no row, or when it is NULL.</summary>
    public long? Scalar()
    {
        if (!Step())
            return null;
        var value = LongOrNull(0);
        Reset();
        return value;
    }

    public long Long(int column) => raw.sqlite3_column_int64(_handle, column);

    public int Int(int column) => raw.sqlite3_column_int(_handle, column);

    public bool IsNull(int column) => raw.sqlite3_column_type(_handle, column) == raw.SQLITE_NULL;

    public long? LongOrNull(int column) => IsNull(column) ? null : Long(column);

    public int? IntOrNull(int column) => IsNull(column) ? null : Int(column);

    public string Text(int column) => raw.sqlite3_column_text(_handle, column).utf8_to_string() ?? "";

    public string? TextOrNull(int column) => IsNull(column) ? null : Text(column);

    public byte[] Blob(int column) => raw.sqlite3_column_blob(_handle, column).ToArray();

    public byte[]? BlobOrNull(int column) => IsNull(column) ? null : Blob(column);

    /// <summary>A long, a text, a blob, or null; for columns of any type.</summary>
    public object? Value(int column) =>
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

    /// <summary>Ends a read before its last row, so that it holds no snapshot.</summary>
    public Statement Reset()
    {
        raw.sqlite3_reset(_handle); // returns the error of the last step once more
        _bound = 0;
        return this;
    }

    public void Dispose() => _handle.Dispose();

    // Asked for as text first, so that a database in UTF-16 gives UTF-8 too.
    private byte[] Octets(int column)
    {
        _ = raw.sqlite3_column_text(_handle, column);
        return Blob(column);
    }

    private Statement AddText(ReadOnlySpan<byte> utf8)
    {
        // As with blobs, a null address would mean NULL.
        Check(utf8.IsEmpty ? raw.sqlite3_bind_text(_handle, ++_bound, "") : raw.sqlite3_bind_text(_handle, ++_bound, utf8));
        return this;
    }

    private void Check(int result) => SqliteException.ThrowExceptionForRC(result, _db);
}
