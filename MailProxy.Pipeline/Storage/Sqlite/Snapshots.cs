using Microsoft.Data.Sqlite;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>Readings for people and reporters: what a reading sees is of one instant, and trouble comes by the task.</summary>
internal static class Snapshots
{
    private const string Begin = "BEGIN";
    private const string End = "COMMIT";

    /// <summary>
    /// One statement, which is of one instant by itself. Runs on the caller's thread; faults with <see cref="StoreUnavailableException"/>.
    /// </summary>
    public static Task<T> ReadAsync<T>(this SqliteReaders readers, Func<SqliteConnection, T> read) => Told(() => readers.Read(read));

    /// <summary>
    /// Several statements over one snapshot. Runs on the caller's thread; faults with <see cref="StoreUnavailableException"/>.
    /// </summary>
    public static Task<T> SnapshotAsync<T>(this SqliteReaders readers, Func<Session, T> read) =>
        Told(() =>
            readers.Query(session =>
            {
                session.Prepare(Begin).Run();
                var result = read(session);
                session.Prepare(End).Run();
                return result;
            })
        );

    // What is thrown comes by the task.
    private static async Task<T> Told<T>(Func<T> read) => await Task.FromResult(read());
}
