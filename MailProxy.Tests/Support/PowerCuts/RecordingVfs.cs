using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;

namespace MailProxy.Tests.Support.PowerCuts;

/// <summary>
/// SQLite's own layer of files, with a note of each write, cut, sync and removal below a directory that is recorded. Installed as the
/// default once for the process; files elsewhere go through SQLite's functions untouched.
/// </summary>
/// <remarks>
/// The methods of an open file are a table that the file points to: a copy of SQLite's with four functions replaced is put there, and the
/// file itself stays SQLite's. Offsets are those of sqlite3_vfs and sqlite3_io_methods on 64 bits.
/// </remarks>
internal static class RecordingVfs
{
    private const int Ok = 0,
        MainJournal = 0x800,
        Log = 0x80000;

    private const int VfsSize = 168,
        NameAt = 24,
        OpenAt = 40,
        DeleteAt = 48;

    private const int MethodsSize = 152,
        CloseAt = 8,
        WriteAt = 24,
        TruncateAt = 32,
        SyncAt = 40;

    private static readonly Lazy<bool> Installed = new(Register);
    private static readonly ConcurrentDictionary<IntPtr, Opened> Files = [];
    private static readonly ConcurrentDictionary<IntPtr, Methods> Tables = [];

    // Kept from the garbage collector, since SQLite has pointers to them.
    private static readonly OpenCall Opens = Open;
    private static readonly DeleteCall Deletes = Delete;
    private static readonly CloseCall Closes = Close;
    private static readonly WriteCall Writes = Write;
    private static readonly TruncateCall Truncates = Truncate;
    private static readonly SyncCall Syncs = Sync;

    private static IntPtr _unix;
    private static OpenCall _open = null!;
    private static DeleteCall _delete = null!;

    public static void Install() => _ = Installed.Value;

    private static bool Register()
    {
        // The first connection of a process makes SQLite ready, its own layers of files included.
        using (var first = new SqliteConnection("Data Source=:memory:"))
            first.Open();
        var library = NativeLibrary.Load("e_sqlite3", typeof(SqliteConnection).Assembly, null);
        var find = Function<FindCall>(NativeLibrary.GetExport(library, "sqlite3_vfs_find"));
        var register = Function<RegisterCall>(NativeLibrary.GetExport(library, "sqlite3_vfs_register"));
        _unix = find(IntPtr.Zero);
        _open = Function<OpenCall>(Marshal.ReadIntPtr(_unix, OpenAt));
        _delete = Function<DeleteCall>(Marshal.ReadIntPtr(_unix, DeleteAt));
        var copy = Copy(_unix, VfsSize);
        Marshal.WriteIntPtr(copy, NameAt, Marshal.StringToCoTaskMemUTF8("recording"));
        Marshal.WriteIntPtr(copy, OpenAt, Marshal.GetFunctionPointerForDelegate(Opens));
        Marshal.WriteIntPtr(copy, DeleteAt, Marshal.GetFunctionPointerForDelegate(Deletes));
        return register(copy, 1) == Ok;
    }

    private static int Open(IntPtr vfs, IntPtr name, IntPtr file, int flags, IntPtr outFlags)
    {
        var path = Marshal.PtrToStringUTF8(name);
        var recording = path is null ? null : DiskRecording.Of(path);
        var isNew = recording is not null && !File.Exists(path);
        var result = _open(_unix, name, file, flags, outFlags);
        if (result != Ok || recording is null)
            return result;
        var number = isNew ? recording.Made(path!) : recording.FileOf(path!);
        var table = Marshal.ReadIntPtr(file);
        var methods = Tables.GetOrAdd(table, Patched);
        // SQLite syncs the directory of a new log or journal with the first sync of the file.
        var isFirst = isNew && (flags & (Log | MainJournal)) != 0;
        Files[file] = new(recording, path!, number, methods) { SyncsDirectory = isFirst };
        Marshal.WriteIntPtr(file, methods.Table);
        return result;
    }

    private static int Delete(IntPtr vfs, IntPtr name, int syncDirectory)
    {
        var path = Marshal.PtrToStringUTF8(name)!;
        var recording = DiskRecording.Of(path);
        var result = _delete(_unix, name, syncDirectory);
        if (result != Ok || recording is null)
            return result;
        recording.Removed(path);
        if (syncDirectory != 0)
            recording.DirectorySynced(Path.GetDirectoryName(path)!, recording.Tick());
        return result;
    }

    private static int Close(IntPtr file) => Files.TryRemove(file, out var opened) ? opened.Methods.Close(file) : Ok;

    private static int Write(IntPtr file, IntPtr octets, int count, long at)
    {
        var opened = Files[file];
        var result = opened.Methods.Write(file, octets, count, at);
        if (result != Ok)
            return result;
        var copy = new byte[count];
        Marshal.Copy(octets, copy, 0, count);
        opened.Recording.Wrote(opened.Number, at, copy);
        return result;
    }

    private static int Truncate(IntPtr file, long length)
    {
        var opened = Files[file];
        var result = opened.Methods.Truncate(file, length);
        if (result == Ok)
            opened.Recording.Truncated(opened.Number, length);
        return result;
    }

    private static int Sync(IntPtr file, int flags)
    {
        var opened = Files[file];
        var begun = opened.Recording.Tick();
        var result = opened.Methods.Sync(file, flags);
        if (result != Ok)
            return result;
        opened.Recording.Synced(opened.Path, opened.Number, begun);
        if (opened.SyncsDirectory)
            opened.Recording.DirectorySynced(Path.GetDirectoryName(opened.Path)!, begun);
        opened.SyncsDirectory = false;
        return result;
    }

    private static Methods Patched(IntPtr table)
    {
        var copy = Copy(table, MethodsSize);
        Marshal.WriteIntPtr(copy, CloseAt, Marshal.GetFunctionPointerForDelegate(Closes));
        Marshal.WriteIntPtr(copy, WriteAt, Marshal.GetFunctionPointerForDelegate(Writes));
        Marshal.WriteIntPtr(copy, TruncateAt, Marshal.GetFunctionPointerForDelegate(Truncates));
        Marshal.WriteIntPtr(copy, SyncAt, Marshal.GetFunctionPointerForDelegate(Syncs));
        return new(
            copy,
            Function<CloseCall>(Marshal.ReadIntPtr(table, CloseAt)),
            Function<WriteCall>(Marshal.ReadIntPtr(table, WriteAt)),
            Function<TruncateCall>(Marshal.ReadIntPtr(table, TruncateAt)),
            Function<SyncCall>(Marshal.ReadIntPtr(table, SyncAt))
        );
    }

    private static IntPtr Copy(IntPtr from, int size)
    {
        var octets = new byte[size];
        Marshal.Copy(from, octets, 0, size);
        var copy = Marshal.AllocHGlobal(size);
        Marshal.Copy(octets, 0, copy, size);
        return copy;
    }

    private static T Function<T>(IntPtr pointer)
        where T : Delegate => Marshal.GetDelegateForFunctionPointer<T>(pointer);

    private sealed record Methods(IntPtr Table, CloseCall Close, WriteCall Write, TruncateCall Truncate, SyncCall Sync);

    private sealed record Opened(DiskRecording Recording, string Path, int Number, Methods Methods)
    {
        public bool SyncsDirectory { get; set; }
    }

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate IntPtr FindCall(IntPtr name);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int RegisterCall(IntPtr vfs, int isDefault);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int OpenCall(IntPtr vfs, IntPtr name, IntPtr file, int flags, IntPtr outFlags);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int DeleteCall(IntPtr vfs, IntPtr name, int syncDirectory);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int CloseCall(IntPtr file);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int WriteCall(IntPtr file, IntPtr octets, int count, long at);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int TruncateCall(IntPtr file, long length);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int SyncCall(IntPtr file, int flags);
}
