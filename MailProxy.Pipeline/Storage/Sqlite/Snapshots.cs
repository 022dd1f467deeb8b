using MailProxy.Pipeline.Disk;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>Reads for the API and for reporters: each read sees a single snapshot, and errors fault the returned task.</summary>
internal static class Snapshots
{
    private const string Begin = "BEGIN";
    private const string End = "COMMIT";

    /// <summary>
    /// Reads with one statement, which is a snapshot by itself. Runs on the caller's thread; faults with <see
    /// cref="StoreUnavailableException"/>.
    /// </summary>
    public static Task<T> ReadAsync<T>(this SqliteReaders readers, Func<Session, T> read) => Told(() => readers.Read(read));

    /// <summary>
    /// Reads with several statements in one snapshot. Runs on the caller's thread; faults with <see cref="StoreUnavailableException"/>.
    /// </summary>
    public static Task<T> SnapshotAsync<T>(this SqliteReaders readers, Func<Session, T> read) =>
        Told(() =>
            readers.Read(session =>
            {
                session.Prepare(Begin).Run();
                var result = read(session);
                session.Prepare(End).Run();
                return result;
            })
        );

    // Turns an exception into a faulted task.
    private static async Task<T> Told<T>(Func<T> read) => await Task.FromResult(read());
}
