using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>Takes over what another program had, all of it in one transaction. Only while nothing else uses the store.</summary>
public sealed class SqlImport
{
    private readonly StoreDatabase _database;
    private readonly SqlConfigurationStore _configuration;
    private readonly SqlCompatStore _compat;
    private readonly TimeProvider _clock;

    public SqlImport(StoreDatabase database, SqlConfigurationStore configuration, SqlCompatStore compat, TimeProvider clock) =>
        (_database, _configuration, _compat, _clock) = (database, configuration, compat, clock);

    /// <summary>
    /// Runs on the writer's thread. What <paramref name="work"/> throws undoes everything and faults the task; it faults with <see
    /// cref="Disk.StoreUnavailableException"/> when the store cannot write.
    /// </summary>
    /// <param name="keep">False: everything is done and then undone.</param>
    public async Task<T> RunAsync<T>(Func<ImportTransaction, T> work, string actor, bool keep)
    {
        try
        {
            return await _database.Writer.WriteAsync(session =>
            {
                var now = _clock.GetUtcNow().ToUnixTimeMilliseconds();
                var result = work(new(session, _configuration, _compat, _database.Writer.Events, _database.Writer.Numbers, actor, now));
                return keep ? result : throw new Undone<T>(result);
            });
        }
        catch (Undone<T> undone)
        {
            return undone.Result;
        }
    }

    private sealed class Undone<T>(T result) : Exception
    {
        public T Result { get; } = result;
    }
}

/// <summary>What became of a message that was to be taken over.</summary>
public enum ImportedAs : byte
{
    Added = 0,

    /// <summary>The store had one of this id before.</summary>
    Known = 1,

    /// <summary>It was added a moment ago.</summary>
    Twice = 2,
}

/// <summary>A message of another program.</summary>
/// <param name="State">Final: its body is not kept.</param>
/// <param name="Due">Not before, Unix milliseconds; 0: by arrival.</param>
/// <param name="Attempts">Those that were made.</param>
/// <param name="Events">What was told of it, oldest first.</param>
public sealed record ImportedMail(Flow.AcceptedMail Mail, MessageState State, long Due, int Attempts, IReadOnlyList<ImportedEvent> Events);

/// <summary>An event of another program.</summary>
/// <param name="At">Unix milliseconds.</param>
public sealed record ImportedEvent(EventType Type, MessageState Status, long At, byte[]? Detail);
