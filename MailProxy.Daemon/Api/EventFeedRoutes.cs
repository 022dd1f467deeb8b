using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Api;

/// <summary>
/// A tenant's events in the order of their commits, to be pulled. It holds nothing back and remembers no reader: the cursor is the
/// reader's.
/// </summary>
internal sealed class EventFeedRoutes(
    IDeliveryLog log,
    KeyLife keys,
    ReadTurns turns,
    LongPolls polls,
    AnswerMemory memory,
    IHostApplicationLifetime lifetime,
    TimeProvider clock
)
{
    /// <summary>Seconds.</summary>
    public const int LongestWait = 60;
    private const string Feed = "events";

    public void Map(RouteGroupBuilder v1) =>
        v1.MapGet("/events", (Delegate)Read)
            .WithName("listEvents")
            .WithSummary("All events in commit order; with wait, a long poll")
            .WithTags("Events")
            .Needs(KeyScopes.Read)
            .Query("after", "wait", "limit")
            .Produces<EventList>();

    private async Task<IResult> Read(HttpContext http)
    {
        var query = new QueryReader(http);
        var limit = query.Limit();
        var wait = query.Whole("wait") ?? 0;
        if (wait > LongestWait)
            query.Fault("wait", $"Must be at most {LongestWait} seconds.");
        var after = await AfterAsync(query);
        if (query.Refusal is { } refusal)
            return refusal;

        var tenant = Caller.Of(http).Tenant;
        if (after > log.Last && after > await log.LastAsync())
            return Refusals.CursorOfAnotherLife; // somebody put an old file in the store's place
        if (after is { } asked && asked < await log.FloorAsync(tenant))
            return ProblemAnswer.Of(
                410,
                "cursor_expired",
                "Events behind this cursor were purged. Begin anew without after, or with after=now."
            );

        using var place = wait > 0 ? polls.TryTake(tenant) : null;
        if (wait > 0 && place is null)
            return LongPolls.TooMany;

        // A stop ends long answers too: with what there is, and a cursor to go on from.
        using var longest = new CancellationTokenSource(TimeSpan.FromSeconds(wait), clock);
        using var key = keys.Watch(http);
        using var over = CancellationTokenSource.CreateLinkedTokenSource([
            longest.Token,
            lifetime.ApplicationStopping,
            http.RequestAborted,
            key.Over,
        ]);
        var (events, through) = await ReadAsync(http, after ?? 0, limit, wait > 0, over.Token);
        if (keys.Refusal(http) is { } gone)
            return gone;
        return new EventPage(memory, events, Cursor.Write(http, Feed, through));
    }

    private async Task<(IReadOnlyList<MailEvent> Events, long Through)> ReadAsync(
        HttpContext http,
        long after,
        int limit,
        bool wait,
        CancellationToken over
    )
    {
        var tenant = Caller.Of(http).Tenant;
        while (true)
        {
            var (events, through) = await turns.RunAsync(http, () => log.ReadAsync(tenant, after, limit));
            if (events.Count > 0)
                return (events, through);

            after = Math.Max(after, through);
            if (!wait || over.IsCancellationRequested)
                return ([], after);
            try
            {
                await log.WaitBeyondAsync(tenant, after, over);
            }
            catch (OperationCanceledException) when (over.IsCancellationRequested)
            {
                return ([], after);
            }
        }
    }

    // Null: from the oldest that is kept.
    private async Task<long?> AfterAsync(QueryReader query)
    {
        if (query.Place("after") is not { } text)
            return null;
        return text == "now" ? await log.LastAsync() : query.CursorNumber(Feed, "after", "Must be a next_cursor of this feed, or now.");
    }
}
