using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Tests.Api;

/// <summary>Answers questions from lists, newest first as the real one does.</summary>
internal sealed class FakeQueries : IMessageQueries
{
    public List<MessageView> Views { get; } = [];
    public Dictionary<MessageKey, List<MailEvent>> Events { get; } = [];
    public Dictionary<MessageKey, MailContent> Contents { get; } = [];
    public QueueCounts Counts { get; set; } = new([], null, 0);
    public Dictionary<long, LanePosition?> Positions { get; } = [];
    public Exception? Fault { get; set; }
    public List<MessageFilter> Filters { get; } = [];

    public Task<MessageView?> GetAsync(MessageKey key) => Answer(() => Views.FirstOrDefault(v => v.Key == key));

    public Task<MessagePage> ListAsync(MessageFilter filter, int limit, long? before) =>
        Answer(() =>
        {
            Filters.Add(filter);
            var wanted = Views
                .Where(v =>
                    !filter.MatchesNothing
                    && (filter.Tenant is null || v.Key.Tenant == filter.Tenant)
                    && (filter.Status is null || v.State == filter.Status)
                    && (before is null || v.Number < before)
                )
                .OrderByDescending(v => v.Number)
                .ToArray();
            return new MessagePage([.. wanted.Take(limit)], wanted.Length > limit ? wanted[limit - 1].Number : null);
        });

    public Task<MessageCount> CountAsync(MessageFilter filter, long before) =>
        Answer(() =>
            new MessageCount(
                Views
                    .Where(v => v.Key.Tenant == filter.Tenant && v.Number < before && (filter.Status is null || v.State == filter.Status))
                    .GroupBy(static v => v.State)
                    .ToDictionary(static group => group.Key, static group => (long)group.Count()),
                null
            )
        );

    public Task<long> NewestAsync() => Answer(() => Views.Select(static v => v.Number).DefaultIfEmpty().Max());

    public Task<MessagePage> ByMessageIdAsync(string? tenant, string messageId, int limit, long? before) =>
        Answer(() =>
            new MessagePage(
                [.. Views.Where(v => v.MessageIdHeader == messageId && (tenant is null || v.Key.Tenant == tenant)).Take(limit)],
                null
            )
        );

    public Task<LanePosition?> PositionAsync(long number, long now) => Answer(() => Positions.GetValueOrDefault(number));

    public Task<long?> BodySizeAsync(MessageKey key) => Answer(() => (long?)Contents.GetValueOrDefault(key)?.Json.Length);

    public Task<IReadOnlyList<MailEvent>?> EventsAsync(MessageKey key, int afterSequence, int limit) =>
        Answer<IReadOnlyList<MailEvent>?>(() =>
            Events.TryGetValue(key, out var events) ? [.. events.Where(e => e.Sequence > afterSequence).Take(limit)] : null
        );

    public Task<IReadOnlyList<MailAttemptView>?> AttemptsAsync(MessageKey key) =>
        Answer<IReadOnlyList<MailAttemptView>?>(() => Views.Any(v => v.Key == key) ? [] : null);

    public Task<MailContent?> ContentAsync(MessageKey key) => Answer(() => Contents.GetValueOrDefault(key));

    public Task<QueueCounts> CountsAsync(long now, Func<LaneKey, bool>? isExcused = null) => Answer(() => Counts);

    private Task<T> Answer<T>(Func<T> answer) => Fault is null ? Task.FromResult(answer()) : Task.FromException<T>(Fault);
}
