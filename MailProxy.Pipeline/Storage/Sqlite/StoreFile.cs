using System.Buffers.Binary;
using MailProxy.Pipeline.Disk;
using Microsoft.Data.Sqlite;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>The database file as bytes: created with the settings that cannot change later, and inspected before SQLite opens
/// it.</summary>
internal static class StoreFile
{
    /// <summary>"MPrx": distinguishes our file from those of other programs (SQLite's application_id).</summary>
    public const int ApplicationId = 0x4D507278;

    /// <summary>
    /// Only one typical body of 2 KB fits into a page of 4 KB, but three into one of 8 KB. Measured: the file is 30 % smaller, and storing
    /// a
    /// message costs a sixth less.
    /// </summary>
    public const int PageSize = 8192;

    /// <summary>
    /// While this directory exists beside the database, a restore is under way or was interrupted, and the daemon must not start.
    /// </summary>
    public const string RestoreDraft = "restore.partial";

    private const int HeaderSize = 100;

    /// <summary>
    /// Creates an empty database with its whole schema. It gets its name when it is complete and synced, so an empty file of that name is
    /// never ours, and no step before that needs a sync of its own.
    /// </summary>
    public static void Create(string path, IReadOnlyList<Migration> migrations)
    {
        if (File.Exists(path + "-wal") && new FileInfo(path + "-wal").Length > 0)
        {
            throw new StoreRefusedException(
                $"'{path}' is missing but its log '{Path.GetFileName(path)}-wal' is there. Put the database back beside its log; "
                    + "starting with an empty one would lose the mail in it."
            );
        }

        try
        {
            var draft = path + ".new";
            foreach (var ending in (string[])["", "-journal", "-wal", "-shm"])
                File.Delete(draft + ending);
            using (var connection = Connections.OpenPlain(draft))
            {
                // Page size and auto_vacuum take effect only before the first table; writing the application id creates the header.
                Connections.Execute(
                    connection,
                    $"PRAGMA synchronous=OFF; PRAGMA page_size={PageSize}; PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL; "
                        + $"PRAGMA application_id={ApplicationId};"
                );
                Migrator.Run(connection, path, migrations);
            }

            if (File.Exists(draft + "-wal"))
                throw new IOException("its log could not be carried into it; is the disk full?");
            using (var file = File.OpenHandle(draft, FileMode.Open, FileAccess.ReadWrite))
                RandomAccess.FlushToDisk(file);
            File.Move(draft, path);
            DirectorySync.Flush(Path.GetDirectoryName(path)!);
        }
        catch (SqliteException error)
        {
            throw new StoreRefusedException($"'{path}' cannot be made: {StoreTrouble.Describe(error)}.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StoreRefusedException($"'{path}' cannot be made: {error.Message}", error);
        }
    }

    /// <summary>
    /// Refuses a path that is not a file, or that this user may not write, with a clear message: SQLite itself would only report that it
    /// cannot
    /// open something.
    /// </summary>
    public static void CheckAccess(string path)
    {
        foreach (var file in (string[])[path, path + "-wal", path + "-shm"])
        {
            if (Directory.Exists(file))
                throw new StoreRefusedException($"'{file}' is a directory and not a file. Move it away, or set another data directory.");
            if (!File.Exists(file))
                continue;
            try
            {
                using (File.OpenHandle(file, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite)) { }
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                throw new StoreRefusedException($"'{file}' cannot be read and written by this user: {error.Message}", error);
            }
        }
    }

    /// <summary>Refuses a file of another program, or one whose first page shows that it is damaged.</summary>
    public static void Inspect(string path)
    {
        Span<byte> header = stackalloc byte[HeaderSize];
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var read = file.ReadAtLeast(header, HeaderSize, throwOnEndOfStream: false);
        if (read < HeaderSize)
            throw Damaged(path, $"it has only {file.Length} bytes");
        if (!header.StartsWith("SQLite format 3\0"u8))
            throw Damaged(path, "it does not begin like a database");

        var application = BinaryPrimitives.ReadInt32BigEndian(header[68..]);
        if (application != ApplicationId)
        {
            throw new StoreRefusedException(
                $"'{path}' is a database of another program (application id 0x{application:X8}). It was not touched; move it away "
                    + "or set another data directory."
            );
        }
    }

    /// <summary>
    /// Whether pages are missing at the end. This also happens after a crash in the middle of a checkpoint; the log then still has the
    /// pages.
    /// </summary>
    public static bool IsShort(string path)
    {
        Span<byte> header = stackalloc byte[HeaderSize];
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        file.ReadExactly(header);
        int pageSize = BinaryPrimitives.ReadUInt16BigEndian(header[16..]);
        var pages = BinaryPrimitives.ReadUInt32BigEndian(header[28..]);
        return file.Length < (pageSize == 1 ? 65536L : pageSize) * pages;
    }

    public static StoreRefusedException Damaged(string path, string what, Exception? inner = null) =>
        new(
            $"'{path}' is damaged: {what}. It was not changed; restore it from a backup, or move it away to start with an empty store.",
            inner
        );

    /// <summary>
    /// Reads the first row of every table, so that damage which SQLite sees at once is refused now and not while the daemon runs. A full
    /// check
    /// reads the whole file and would take minutes for a large one.
    /// </summary>
    public static void Probe(SqliteConnection connection, string path, bool suspicious)
    {
        try
        {
            foreach (
                var table in Connections.Texts(
                    connection,
                    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
                )
            )
            {
                Connections.Execute(connection, $"SELECT * FROM \"{table}\" LIMIT 1");
            }

            if (!suspicious)
                return;
            var verdict = Connections.Texts(connection, "PRAGMA quick_check(1)");
            if (verdict is not ["ok"])
                throw Damaged(path, verdict.Count > 0 ? verdict[0] : "it cannot be checked");
        }
        catch (SqliteException error) when (StoreTrouble.IsDamage(error))
        {
            throw Damaged(path, error.Message, error);
        }
    }
}
