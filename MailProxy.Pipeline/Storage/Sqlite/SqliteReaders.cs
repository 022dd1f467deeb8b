using System.Collections.Concurrent;
using MailProxy.Pipeline.Disk;
using Microsoft.Data.Sqlite;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>
/// Read-only connections, which are reused. A read is synchronous and short: no snapshot outlives the call, so checkpoints are never
/// blocked.
/// Errors of the disk become <see cref="StoreUnavailableException"/>.
/// </summary>
internal sealed class SqliteReaders(string path, Action<SqliteException>? damaged = null) : IDisposable
{
    // Further connections are opened when needed and closed after use.
    private const int Kept = 8;

    private const string Begin = "BEGIN";
    private const string End = "COMMIT";

    private readonly ConcurrentStack<Session> _idle = [];
    private volatile bool _closed;

    /// <summary>Reads with prepared statements, which must be finished or reset when <paramref name="read"/> returns.</summary>
    public T Read<T>(Func<Session, T> read)
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        Session? session = null;
        var whole = false;
        try
        {
            if (!_idle.TryPop(out session))
                session = new(Connections.OpenReader(path));
            var result = read(session);
            whole = true;
            return result;
        }
        catch (SqliteException error) when (StoreTrouble.Passes(error))
        {
            if (StoreTrouble.IsDamage(error))
                damaged?.Invoke(error);
            throw new StoreUnavailableException($"The store cannot read now: {StoreTrouble.Describe(error)}.", error);
        }
        finally
        {
            // After an error a statement may be unfinished, so the connection is not reused.
            if (whole && !_closed && _idle.Count < Kept)
                _idle.Push(session!);
            else
                session?.Dispose();
        }
    }

    /// <summary>Reads with several statements that see the same snapshot.</summary>
    public T Snapshot<T>(Func<Session, T> read) =>
        Read(session =>
        {
            session.Prepare(Begin).Run();
            var result = read(session);
            session.Prepare(End).Run();
            return result;
        });

    public void Dispose()
    {
        _closed = true;
        while (_idle.TryPop(out var session))
            session.Dispose();
    }
}
