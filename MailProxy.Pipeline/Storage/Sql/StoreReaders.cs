using MailProxy.Pipeline.Disk;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>
/// Connections that read. A read is synchronous and short, and its statements must be finished or reset when it returns. Trouble of the
/// store becomes <see cref="StoreUnavailableException"/>.
/// </summary>
internal abstract class StoreReaders
{
    private const string Begin = "BEGIN";
    private const string End = "COMMIT";

    /// <summary>Reads at once, on the caller's thread.</summary>
    public abstract T Read<T>(Func<Session, T> read);

    /// <summary>Reads with one statement, which is a snapshot by itself.</summary>
    public abstract Task<T> ReadAsync<T>(Func<Session, T> read);

    /// <summary>Reads with several statements that see the same snapshot.</summary>
    public Task<T> SnapshotAsync<T>(Func<Session, T> read) => ReadAsync(session => InSnapshot(session, read));

    /// <summary>What begins a transaction in which all statements see the same.</summary>
    protected virtual string BeginSnapshot => Begin;

    private T InSnapshot<T>(Session session, Func<Session, T> read)
    {
        session.Prepare(BeginSnapshot).Run();
        var result = read(session);
        session.Prepare(End).Run();
        return result;
    }
}
