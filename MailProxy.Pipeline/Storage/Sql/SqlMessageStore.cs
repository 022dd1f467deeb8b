using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>
/// The message store. All writes go through the commit loop. Claims are in memory, since one process holds a lane; the mark decides in any
/// remaining race.
/// </summary>
public sealed partial class SqlMessageStore : IMessageStore, ILaneStore, IMarks
{
    private readonly StoreDatabase _database;
    private readonly SpoolFiles _spool;
    private readonly ILogger _logger;
    private readonly Claims _claims;
    private readonly LaneReader _lanes;
    private readonly ReadyContents _ready;
    private readonly TimeProvider _clock;
    private readonly ReadAhead _readAhead;
    private readonly SubmissionWriter _submissions;
    private readonly OutcomeWriter _outcomes;
    private readonly ChangeWriter _changes;

    /// <param name="contentHash">
    /// The hash of a stored body as Ingest would compute it, for messages whose id was generated here; null when it cannot be computed.
    /// </param>
    public SqlMessageStore(
        StoreDatabase database,
        SpoolFiles spool,
        Func<ReadOnlyMemory<byte>, byte[]?> contentHash,
        TimeProvider clock,
        ILogger logger
    )
    {
        (_database, _spool, _logger) = (database, spool, logger);
        var writer = database.Writer;
        _claims = database.Claims;
        _clock = clock;
        var trash = new SpoolTrash(spool);
        var uses = new LimitUses();
        var housekeeping = new Housekeeping(clock);
        _lanes = new(_claims);
        _ready = new(_claims);
        _readAhead = new(_ready, database.Traces);
        _submissions = new(
            writer.Events,
            writer.Numbers,
            _claims,
            _ready,
            spool,
            trash,
            new(database.Suppressions, writer.Events),
            database.Traces,
            contentHash,
            clock
        );
        _outcomes = new(writer.Events, _claims, uses, database.Suppressions);
        _changes = new(writer.Events, _claims);
        writer.AddHooks(
            beforeCommit: () =>
            {
                uses.Write(writer.Session);
                housekeeping.Work(writer.Session);
            },
            afterCommit: trash.Empty
        );
    }

    public async Task<Recovery> RecoverAsync(long now)
    {
        var recovery = await ReadAsync(_claims.Recover(), now);
        var swept = _spool.Sweep(await _database.StageReaders.SnapshotAsync(RecoveryReader.SpoolFiles));
        if (swept > 0)
            Log.Swept(_logger, swept);
        return recovery;
    }

    public async Task<Recovery> TakeOverAsync(IReadOnlyCollection<LaneKey> lanes, long now)
    {
        var marked = await _database.TakeOverAsync(lanes);
        var recovery = await ReadAsync(marked, now);
        var taken = lanes.ToHashSet();
        return recovery with { Lanes = [.. recovery.Lanes.Where(one => taken.Contains(one.Lane))] };
    }

    public Task<IReadOnlyList<(LaneKey Lane, long Due)>> LanesAsync() => _database.StageReaders.SnapshotAsync(_database.Lanes);

    public async Task SweepBodiesAsync()
    {
        _database.SweepLargeBodies();
        _spool.SweepCopies(await _database.StageReaders.SnapshotAsync(RecoveryReader.SpoolFiles));
    }

    private async Task<Recovery> ReadAsync(IReadOnlyList<FlightRecord> flights, long now)
    {
        var (recovery, settled) = await _database.StageReaders.SnapshotAsync(session =>
            RecoveryReader.Read(session, _database.Traces, flights, _database.Lanes(session), now)
        );
        foreach (var ticket in settled)
            _claims.Remove(ticket);
        return recovery;
    }

    public Task<Appended> AppendAsync(Func<IReadOnlyList<AcceptedBatch>> take)
    {
        var job = new AppendJob(take, _submissions);
        _database.Writer.PostSubmissions(job);
        return job.Promise;
    }

    public async Task<ClaimedPage> ClaimAsync(LaneKey lane, ClaimRequest request)
    {
        // A connection may be lost in the middle: then the reading begins anew, or is over.
        var claimed = new List<QueuedMail>();
        try
        {
            return await _database.StageReaders.SnapshotAsync(session =>
            {
                GiveBack(claimed);
                return _lanes.Claim(session, lane, request, claimed);
            });
        }
        catch
        {
            GiveBack(claimed);
            throw;
        }
    }

    private void GiveBack(List<QueuedMail> claimed)
    {
        foreach (var ticket in claimed)
            _claims.Remove(ticket);
        claimed.Clear();
    }

    public void Release(QueuedMail ticket)
    {
        _claims.Remove(ticket);
        _ready.Remove(ticket);
    }

    public async ValueTask<MailContent?> LoadAsync(QueuedMail ticket, int maxRecipients)
    {
        if (await _database.StageReaders.SnapshotAsync(session => Load(session, ticket, maxRecipients)) is not { } loaded)
            return null;
        if (loaded.Spool is null)
            return await CheckedAsync(loaded.Content);
        try
        {
            var (json, body) = await _spool.ReadAsync(loaded.Spool);
            return await CheckedAsync(loaded.Content with { Json = json, Spooled = body });
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new BodyMissingException(
                $"The message's body, the file spool/{loaded.Spool}, cannot be read: {SpoolFiles.Why(error)}.",
                loaded.Content,
                error
            );
        }
    }

    private (MailContent Content, string? Spool)? Load(Session session, QueuedMail ticket, int maxRecipients) =>
        ContentReader.Load(session, ticket, maxRecipients) is { } loaded
            ? (_database.Traces.With(session, ticket, loaded.Content), loaded.Spool)
            : null;

    public async ValueTask<IReadOnlyList<MailContent?>> LoadTogetherAsync(IReadOnlyList<LoadRequest> wanted)
    {
        var found = new MailContent?[wanted.Count];
        for (var i = 0; i < found.Length; i++)
            found[i] = _ready.Take(wanted[i]);
        if (found.Contains(null))
        {
            var claimed = _claims.Claimed; // before the snapshot
            await _database.StageReaders.SnapshotAsync(session =>
            {
                _readAhead.Read(session, wanted, found, claimed);
                return found;
            });
        }

        for (var i = 0; i < found.Length; i++)
            found[i] = found[i] is { } content ? await CheckedAsync(content) : null;
        return found;
    }

    // Asked each time: an entry may be newer than the message, or older than its replacement.
    private async ValueTask<MailContent> CheckedAsync(MailContent content)
    {
        if (!_database.Suppressions.Has(content.Key.Tenant))
            return content;
        var now = _clock.GetUtcNow().ToUnixTimeMilliseconds();
        var found = await _database.StageReaders.ReadAsync(session => SuppressionRows.In(session, content, now));
        return found.Count == 0 ? content : content with { Suppressed = found };
    }

    public Task<bool> MarkAsync(Mark mark) =>
        _database.Health.StoreTrouble is { } trouble
            ? Task.FromException<bool>(new StoreUnavailableException($"The store cannot write: {trouble}."))
            : _claims.MarkAsync(mark);

    public bool TryBegin(QueuedMail ticket) => _claims.TryBegin(ticket);

    public void Out(QueuedMail ticket, long at) => _claims.Out(ticket, at);

    public void Answered(QueuedMail ticket, IReadOnlyList<RecipientVerdict> verdicts) => _claims.Answered(ticket, verdicts);

    public Task<IReadOnlyList<bool>> CommitAsync(IReadOnlyList<Settlement> writes)
    {
        if (writes.Count == 0)
            return Task.FromResult<IReadOnlyList<bool>>([]);
        var job = new OutcomeJob(writes, _outcomes);
        _database.Writer.PostOutcomes(job);
        return job.Promise;
    }

    public Task<ChangeResult> ChangeAsync(MessageKey key, MessageChange change, string actor, long now) =>
        _database.Writer.WriteAsync(session => _changes.Change(session, key, change, actor, now));

    public Task<ExpirySweep> ExpireAsync(long now, int limit) =>
        _database.Writer.WriteAsync(session => _changes.Expire(session, now, limit));

    private static partial class Log
    {
        [LoggerMessage(720, LogLevel.Information, "Removed {Count} spool files that no message names.")]
        public static partial void Swept(ILogger logger, int count);
    }
}
