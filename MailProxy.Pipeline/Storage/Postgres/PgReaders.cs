using System.Collections.Concurrent;
using System.Data;
using System.Globalization;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage.Sql;
using Npgsql;

namespace MailProxy.Pipeline.Storage.Postgres;

/// <summary>
/// Connections that read, on threads of their own: a database that does not answer keeps nobody waiting who does not ask it.
/// </summary>
internal sealed class PgReaders : StoreReaders, IDisposable
{
    // Whoever asks waits for the answer, so the stages and the HTTP server bound how many wait; this bounds them once more.
    private const int MostWaiting = 4_096;

    private readonly NpgsqlDataSource _source;
    private readonly ConcurrentStack<PgSession> _idle = [];
    private readonly BlockingCollection<Action> _wanted = new(MostWaiting);
    private readonly Thread[] _threads;
    private volatile bool _closed;

    /// <param name="connections">Reads that go on at a time.</param>
    public PgReaders(NpgsqlDataSource source, int connections)
    {
        _source = source;
        _threads =
        [
            .. Enumerable.Range(1, connections).Select(number => new Thread(Run) { IsBackground = true, Name = $"store reader {number}" }),
        ];
        foreach (var thread in _threads)
            thread.Start();
    }

    protected override string BeginSnapshot => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

    public override T Read<T>(Func<Session, T> read)
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        try
        {
            if (_idle.TryPop(out var known))
            {
                try
                {
                    return ReadBy(known, read);
                }
                catch (NpgsqlException) when (known.Connection.State != ConnectionState.Open)
                {
                    // It was lost, perhaps long ago. So are those beside it.
                    while (_idle.TryPop(out var other))
                        other.Dispose();
                }
            }

            return ReadBy(Opened(), read);
        }
        catch (Exception error) when (PgTrouble.Describe(error) is { } trouble)
        {
            throw new StoreUnavailableException($"The store cannot read now: {trouble}.", error);
        }
    }

    public override Task<T> ReadAsync<T>(Func<Session, T> read)
    {
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        return TryAdd(Answer) ? answer.Task
            : _closed ? Task.FromException<T>(new ObjectDisposedException(nameof(PgReaders)))
            : Task.FromException<T>(
                new StoreUnavailableException($"The store cannot read now: {MostWaiting} reads wait for the database.")
            );

        void Answer()
        {
            try
            {
                answer.SetResult(Read(read));
            }
            catch (Exception error)
            {
                answer.SetException(error); // an exception that leaves a thread ends the process
            }
        }
    }

    public void Dispose()
    {
        _closed = true;
        _wanted.CompleteAdding();
        foreach (var thread in _threads)
            thread.Join();
        while (_idle.TryPop(out var session))
            session.Dispose();
        _wanted.Dispose();
    }

    private bool TryAdd(Action answer)
    {
        try
        {
            return !_closed && _wanted.TryAdd(answer);
        }
        catch (InvalidOperationException) when (_closed)
        {
            return false; // it was closed a moment ago
        }
    }

    // What takes too long ends on the server, and is not tried again by another connection.
    private PgSession Opened()
    {
        var connection = _source.OpenConnection();
        try
        {
            if (connection.CommandTimeout > 1)
            {
                var limit = (connection.CommandTimeout - 1).ToString(CultureInfo.InvariantCulture);
                using var command = new NpgsqlCommand($"SET statement_timeout = '{limit}s'", connection);
                command.ExecuteNonQuery();
            }

            return new(connection);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private T ReadBy<T>(PgSession session, Func<Session, T> read)
    {
        var isWhole = false;
        try
        {
            var result = read(session);
            isWhole = true;
            return result;
        }
        finally
        {
            // After an error a transaction may be open, so the connection is not used again.
            if (isWhole && !_closed)
                _idle.Push(session);
            else
                session.Dispose();
        }
    }

    private void Run()
    {
        foreach (var answer in _wanted.GetConsumingEnumerable())
            answer();
    }
}
