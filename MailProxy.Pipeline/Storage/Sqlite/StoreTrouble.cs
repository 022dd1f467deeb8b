using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>Distinguishes errors of the disk from bugs, which end the process.</summary>
internal static class StoreTrouble
{
    /// <summary>
    /// Whether the store cannot write now but may later. With damage that is when somebody has repaired the file; ending the process
    /// instead would
    /// only cause a series of restarts.
    /// </summary>
    public static bool Passes(SqliteException fault) =>
        IsDamage(fault)
        || fault.SqliteErrorCode
            is raw.SQLITE_FULL
                or raw.SQLITE_IOERR
                or raw.SQLITE_BUSY
                or raw.SQLITE_LOCKED
                or raw.SQLITE_READONLY
                or raw.SQLITE_CANTOPEN
                or raw.SQLITE_NOMEM;

    public static bool IsDamage(SqliteException fault) => fault.SqliteErrorCode is raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB;

    /// <summary>Describes the error to a person, without SQLite's own wording.</summary>
    public static string Describe(SqliteException fault) =>
        fault.SqliteErrorCode switch
        {
            raw.SQLITE_FULL => "the disk is full",
            raw.SQLITE_IOERR => $"the disk reports an error (SQLite {fault.SqliteExtendedErrorCode})",
            raw.SQLITE_BUSY or raw.SQLITE_LOCKED => "another program has locked the database",
            raw.SQLITE_READONLY => "the database is read-only",
            raw.SQLITE_CANTOPEN => "a file beside the database cannot be opened",
            raw.SQLITE_NOMEM => "out of memory",
            raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB =>
                $"the database file is damaged (SQLite {fault.SqliteExtendedErrorCode}); stop this program and restore the file "
                    + "from a backup, or recover it with SQLite's own tools",
            _ => fault.Message,
        };
}
