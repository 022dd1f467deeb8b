using System.Collections.Concurrent;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage.Sql;
using Microsoft.Data.Sqlite;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>
/// Read-only connections, which are reused. A read runs on the caller's thread: no snapshot outlives the call, so checkpoints are never
/// blocked.
/// </summary>
internal sealed class SqliteReaders(string path, Action<SqliteException>? damaged = null) : StoreReaders, IDisposable
{
    // Further connections are opened when needed and closed after use.
    private const int Kept = 8;

    private readonly ConcurrentStack<Session> _idle = [];
    private volatile bool _closed;

    public override T Read<T>(Func<Session, T> read)
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        Session? session = null;
        var whole = false;
        try
        {
            if (!_idle.TryPop(out session))
                session = new SqliteSession(Connections.OpenReader(path));
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

    public override Task<T> ReadAsync<T>(Func<Session, T> read) => Told(() => Read(read));

    public void Dispose()
    {
        _closed = true;
        while (_idle.TryPop(out var session))
            session.Dispose();
    }

    // Turns an exception into a faulted task.
    private static async Task<T> Told<T>(Func<T> read) => await Task.FromResult(read());
}
