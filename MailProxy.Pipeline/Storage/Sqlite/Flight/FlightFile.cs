using System.Runtime.InteropServices;
using MailProxy.Pipeline.Disk;
using Microsoft.Win32.SafeHandles;

namespace MailProxy.Pipeline.Storage.Sqlite.Flight;

/// <summary>
/// The file of the flight log: a header, and slots of one size at fixed offsets. It is allocated whole when it is made, so that a full disk
/// stops no mark.
/// </summary>
internal sealed class FlightFile : IDisposable
{
    /// <summary>Attempts that can be under way or unsettled at a time.</summary>
    public const int Slots = 4096;

    private const int Page = 4096;

    /// <summary>The header has a page of its own.</summary>
    private const int HeaderSize = Page;

    private const int Length = HeaderSize + Slots * FlightSlot.Size;

    private readonly SafeFileHandle _file;

    private FlightFile(string path, SafeFileHandle file) => (Path, _file) = (path, file);

    public string Path { get; }

    /// <summary>Null: there is none. Throws <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/>.</summary>
    public static FlightFile? TryOpen(string path) =>
        File.Exists(path) ? new(path, File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read)) : null;

    /// <summary>
    /// Makes a file with these slots, whole on the disk before it takes the place of another. Throws <see cref="IOException"/> or <see
    /// cref="UnauthorizedAccessException"/>.
    /// </summary>
    public static FlightFile Make(string path, FlightHeader header, IReadOnlyList<byte[]> slots)
    {
        var draft = path + ".draft";
        var options = new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            PreallocationSize = Length,
            BufferSize = 0,
        };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        var octets = new byte[Length];
        header.Write(octets.AsSpan(0, FlightHeader.Size));
        for (var slot = 0; slot < slots.Count; slot++)
            slots[slot].CopyTo(octets, HeaderSize + slot * FlightSlot.Size);
        using (var stream = new FileStream(draft, options))
        {
            DiskSteps.Tell(DiskStep.Made, draft);
            // Page by page: Linux keeps what one call writes in one piece of up to 2 MB, and goes through all its blocks at each later
            // write.
            for (var at = 0; at < octets.Length; at += Page)
                stream.Write(octets, at, Page);
            DiskSteps.Wrote(draft, 0, octets);
            DiskSteps.Tell(DiskStep.Syncing, draft);
            stream.Flush(flushToDisk: true);
            DiskSteps.Tell(DiskStep.Synced, draft);
        }

        File.Move(draft, path, overwrite: true);
        DiskSteps.Tell(DiskStep.Moved, draft, path);
        DirectorySync.Flush(System.IO.Path.GetDirectoryName(path)!);
        return TryOpen(path)!;
    }

    /// <summary>Null: the file has no header that is whole.</summary>
    public FlightHeader? ReadHeader()
    {
        var header = new byte[FlightHeader.Size];
        return RandomAccess.Read(_file, header, 0) == header.Length ? FlightHeader.Read(header) : null;
    }

    /// <summary>Every slot as it stands in the file, one behind the other.</summary>
    public byte[] ReadSlots()
    {
        var slots = new byte[Slots * FlightSlot.Size];
        var at = 0;
        while (at < slots.Length && RandomAccess.Read(_file, slots.AsSpan(at), HeaderSize + at) is > 0 and var read)
            at += read;
        return slots;
    }

    /// <summary>Outlives the end of this process; of a power cut only after <see cref="Sync"/>.</summary>
    public void Write(int slot, ReadOnlySpan<byte> octets)
    {
        var at = HeaderSize + (long)slot * FlightSlot.Size;
        RandomAccess.Write(_file, octets, at);
        DiskSteps.Wrote(Path, at, octets);
    }

    /// <summary>Puts on the disk what was written before. Throws <see cref="IOException"/>.</summary>
    public void Sync()
    {
        var added = false;
        DiskSteps.Tell(DiskStep.Syncing, Path);
        try
        {
            _file.DangerousAddRef(ref added);
            while (DataSync((int)_file.DangerousGetHandle()) != 0)
            {
                if (Marshal.GetLastPInvokeError() is not Interrupted and var error)
                    throw new IOException($"'{Path}' cannot be written: {Marshal.GetPInvokeErrorMessage(error)}.");
            }
        }
        finally
        {
            if (added)
                _file.DangerousRelease();
        }

        DiskSteps.Tell(DiskStep.Synced, Path);
    }

    public void Dispose() => _file.Dispose();

    private const int Interrupted = 4; // EINTR

    // The file's length never changes, so its metadata need not be written with the data.
    [DllImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    private static extern int DataSync(int file);
}
