using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>Queries about messages, each in one snapshot. They never wait for the writer, and never make it wait.</summary>
public sealed class SqlMessageQueries(StoreDatabase database, SpoolFiles spool) : IMessageQueries
{
    private readonly StoreReaders _readers = database.Readers;

    public Task<MessageView?> GetAsync(MessageKey key) =>
        _readers.SnapshotAsync(session =>
            MessageViews.Find(session, key) is { } number ? MessageViews.View(session, database.Claims, number) : null
        );

    public Task<MessagePage> ListAsync(MessageFilter filter, int limit, long? before) =>
        _readers.SnapshotAsync(session => MessagePages.Read(session, database.Claims, filter, limit, before));

    public Task<MessageCount> CountAsync(MessageFilter filter, long before) =>
        _readers.SnapshotAsync(session => MessagePages.Count(session, database.Claims, filter, before));

    public Task<long> NewestAsync() => _readers.ReadAsync(static session => session.QueryNumber("SELECT max(number) FROM messages") ?? 0);

    public Task<MessagePage> ByMessageIdAsync(string? tenant, string messageId, int limit, long? before) =>
        _readers.SnapshotAsync(session => MessageIdSearch.Read(session, database.Claims, tenant, messageId, limit, before));

    public Task<LanePosition?> PositionAsync(long number, long now) =>
        _readers.SnapshotAsync(session => LanePositions.Of(session, number, now));

    public Task<long?> BodySizeAsync(MessageKey key) =>
        _readers.ReadAsync(session =>
            session.QueryNumber(
                "SELECT b.size FROM messages m JOIN bodies b ON b.message = m.number WHERE m.tenant = ?1 AND m.id = ?2",
                key.Tenant,
                key.Id
            )
        );

    public Task<IReadOnlyList<MailEvent>?> EventsAsync(MessageKey key, int afterSequence, int limit) =>
        _readers.SnapshotAsync<IReadOnlyList<MailEvent>?>(session =>
            MessageViews.Find(session, key) is { } number
                ? EventPages.OfMessage(session, database.Generations, number, afterSequence, limit)
                : null
        );

    public Task<IReadOnlyList<MailAttemptView>?> AttemptsAsync(MessageKey key) =>
        _readers.SnapshotAsync<IReadOnlyList<MailAttemptView>?>(session =>
            MessageViews.Find(session, key) is { } number ? AttemptRows.Read(session, number) : null
        );

    public async Task<MailContent?> ContentAsync(MessageKey key)
    {
        if (await ReadAsync(key) is not { } stored)
            return null;
        if (stored.SpoolFile is null)
            return stored.Content;

        try
        {
            var (json, body) = await spool.ReadAsync(stored.SpoolFile);
            return stored.Content with { Json = json, Spooled = body };
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // If the message was purged or replaced since its row was read, reading again tells so; otherwise the file was lost.
            if (await ReadAsync(key) is not { } now || now.SpoolFile != stored.SpoolFile)
                return await ContentAsync(key);
            throw new BodyMissingException(
                $"The message's body, the file spool/{stored.SpoolFile}, cannot be read: {SpoolFiles.Why(error)}.",
                null,
                error
            );
        }
    }

    public async Task<QueueCounts> CountsAsync(long now, Func<LaneKey, bool>? isExcused = null)
    {
        var kept = await database.Counts.ReadAsync();
        return await _readers.SnapshotAsync(session => QueueCounting.Count(session, kept, database.Claims.Begun(session), now, isExcused));
    }

    private Task<StoredContent?> ReadAsync(MessageKey key) =>
        _readers.SnapshotAsync(session => MessageViews.Find(session, key) is { } number ? ContentRows.Read(session, number) : null);
}
