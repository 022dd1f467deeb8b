using System.Runtime.InteropServices;
using System.Text;
using SQLitePCL;

namespace MailProxy.Pipeline.Storage.Sqlite.Counts;

/// <summary>What stood in the watched columns of a row, and what stands there now; empty: there was, or is, no such row.</summary>
internal delegate void RowChanged(ReadOnlySpan<long> before, ReadOnlySpan<long> after);

/// <summary>
/// Tells of every row that a connection inserts, changes or deletes (SQLite's pre-update hook), whichever statement or trigger does it, so
/// that nobody who writes can forget to. What is rolled back is not told.
/// </summary>
internal sealed class RowWatch
{
    private const int Insert = 18; // SQLITE_INSERT
    private const int Delete = 9; // SQLITE_DELETE
    private const int MostColumns = 4;

    // The library keeps its address only.
    private readonly Hook _hook;
    private readonly List<Watched> _tables = [];
    private readonly SqliteSession _session;

    public RowWatch(SqliteSession session)
    {
        (_session, _hook) = (session, Tell);
        _ = SetHook(session.Connection.Handle!, _hook, IntPtr.Zero);
    }

    /// <summary>A row could not be read, so something was not told. Cleared by whoever looks.</summary>
    public bool HasMissed { get; set; }

    /// <summary>Watches columns that hold numbers. Called on the connection's thread.</summary>
    public void Add(string table, string[] columns, RowChanged changed)
    {
        var names = _session.Query($"SELECT name FROM pragma_table_info('{table}') ORDER BY cid", static row => row.Text(0));
        _tables.Add(new(Encoding.UTF8.GetBytes(table + "\0"), [.. columns.Select(column => names.IndexOf(column))], changed));
    }

    private void Tell(IntPtr context, IntPtr connection, int operation, IntPtr database, IntPtr table, long keyBefore, long keyAfter)
    {
        foreach (var watched in _tables)
        {
            if (!IsNamed(table, watched.Name))
                continue;
            Span<long> before = stackalloc long[MostColumns],
                after = stackalloc long[MostColumns];
            before = operation == Insert ? [] : before[..watched.Columns.Length];
            after = operation == Delete ? [] : after[..watched.Columns.Length];
            for (var i = 0; i < before.Length; i++)
                before[i] = Number(Old(connection, watched.Columns[i], out var value), value);
            for (var i = 0; i < after.Length; i++)
                after[i] = Number(New(connection, watched.Columns[i], out var value), value);
            watched.Changed(before, after);
            return;
        }
    }

    private long Number(int result, IntPtr value)
    {
        if (result == raw.SQLITE_OK && value != IntPtr.Zero)
            return Number(value);
        HasMissed = true;
        return 0;
    }

    private static bool IsNamed(IntPtr text, byte[] name)
    {
        for (var i = 0; i < name.Length; i++)
        {
            if (Marshal.ReadByte(text, i) != name[i])
                return false;
        }

        return true;
    }

    private sealed record Watched(byte[] Name, int[] Columns, RowChanged Changed);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate void Hook(
        IntPtr context,
        IntPtr connection,
        int operation,
        IntPtr database,
        IntPtr table,
        long keyBefore,
        long keyAfter
    );

    // The library that the store is read and written by has these, and no package names them.
    [DllImport("e_sqlite3", EntryPoint = "sqlite3_preupdate_hook", CallingConvention = CallingConvention.Cdecl)]
    private static extern IntPtr SetHook(sqlite3 connection, Hook hook, IntPtr context);

    [DllImport("e_sqlite3", EntryPoint = "sqlite3_preupdate_old", CallingConvention = CallingConvention.Cdecl)]
    private static extern int Old(IntPtr connection, int column, out IntPtr value);

    [DllImport("e_sqlite3", EntryPoint = "sqlite3_preupdate_new", CallingConvention = CallingConvention.Cdecl)]
    private static extern int New(IntPtr connection, int column, out IntPtr value);

    [DllImport("e_sqlite3", EntryPoint = "sqlite3_value_int64", CallingConvention = CallingConvention.Cdecl)]
    private static extern long Number(IntPtr value);
}
