namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>
/// Retention on SQLite: finds on a reader's connection, deletes in small turns of the writer, and returns free pages to the file system.
/// </summary>
public sealed class SqlRetentionStore : IRetentionStore
{
    private const long Day = 86_400_000;

    private readonly StoreDatabase _database;
    private readonly SpoolFiles _spool;
    private readonly SqlTenantRemoval _removal;
    private readonly AcknowledgedHorizon _horizon = new();
    private readonly Dictionary<(string Tenant, string Id), long> _notBefore = [];
    private string _tenant = "";
    private TaskCompletionSource _changed = NewSignal();

    public SqlRetentionStore(StoreDatabase database, SpoolFiles spool)
    {
        (_database, _spool, _removal) = (database, spool, new(database, spool));
        database.Writer.AddHooks(beforeCommit: static () => { }, afterCommit: () => Volatile.Read(ref _changed).TrySetResult());
    }

    public Task Changed => Volatile.Read(ref _changed).Task;

    public async Task<PurgeSlice> PurgeAsync(RetentionRules rules, long now)
    {
        // Reset before reading, so that a commit after that is noticed.
        if (Changed.IsCompleted)
            Volatile.Write(ref _changed, NewSignal());
        if (await _removal.RemoveSomeAsync())
            return new(0, 0, 0, More: true, 0);
        var plan = await _database.Readers.SnapshotAsync(session =>
        {
            _horizon.Update(session);
            return new PurgeReader(_horizon, rules, _notBefore, _tenant, _database.Events.Last, now).Read(session);
        });
        _tenant = plan.Tenant;
        if (plan.IsEmpty)
            return new(0, 0, 0, plan.More, plan.NextDue);

        var done = await _database.Writer.WriteAsync(session =>
        {
            var writer = new PurgeWriter(session, _database.Writer.Events, now);
            writer.Write(plan);
            return writer;
        });

        // The rows that named the files are deleted for good; a file that survives a crash here is swept at the next start.
        foreach (var file in done.Spool)
            _spool.Delete(file);
        foreach (var drop in plan.Drops)
            _notBefore[(drop.Tenant, drop.Id)] = now + Day;
        return new(done.Contents, done.Messages, done.Events, plan.More, plan.NextDue);
    }

    public Task<bool> ReclaimAsync(bool busy) => _database.ReclaimAsync(busy);

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
