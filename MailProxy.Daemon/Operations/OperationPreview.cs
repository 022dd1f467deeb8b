using System.Text.Json;
using MailProxy.Daemon.Api;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Intake;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Search;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Operations;

/// <summary>Shows what an action would do: how many messages, in which states, some of them, and a token to begin it with.</summary>
internal sealed class OperationPreview(
    IMessageQueries queries,
    MessageFilters filters,
    MessageAnswers answers,
    CurrentAccounts accounts,
    ActionToken tokens,
    ReadTurns turns,
    AnswerMemory memory,
    IngestOptions limits,
    TimeProvider clock
)
{
    private const int Sample = 10;
    private const int LongestName = 63;

    // A client waits no longer; what is not counted then is changed all the same.
    private static readonly TimeSpan LongestCount = TimeSpan.FromSeconds(2);

    public static string NewId() => $"op_{Guid.CreateVersion7():N}";

    public async Task<IResult> ShowAsync(HttpContext http, MemberReader members)
    {
        var (tenant, now) = (Caller.Of(http).Tenant, clock.GetUtcNow().ToUnixTimeMilliseconds());
        var action = members.Choice("action", BulkActions.All, required: true);
        var search = members.Text("q", MessageSearch.MaxLength, required: true);
        if (members.Flag("preview") != true)
            members.Fault("preview", "preview_required", "Must be true: an action begins with the token of its preview.");
        var details = Details(members, tenant, action, now);
        var filter = search is null ? null : Filter(members, tenant, search, now);
        members.Close();
        if (members.Refusal is { } mistakes)
            return mistakes;

        var through = await turns.RunAsync(http, queries.NewestAsync);
        var page = await turns.RunAsync(http, () => queries.ListAsync(filter!, Sample, through + 1));
        var (counts, isExact) = await CountAsync(http, filter!, through + 1);
        var found = counts.Sum(static one => one.Value);
        ActionPreview shown = new(NewId(), tenant, action!.Value, search!, details, now, through, found);
        PreviewAnswer answer = new(
            BulkActions.All.Of(action.Value),
            search!,
            found,
            isExact,
            counts.ToDictionary(static one => one.Key.Name(), static one => one.Value),
            counts.Where(one => BulkActions.Allows(action.Value, one.Key)).Sum(static one => one.Value),
            BulkActions.Inverse(action.Value) is not null,
            [.. page.Messages.Select(answers.Of)],
            tokens.Write(shown),
            Times.Utc(now + (long)ActionToken.Lasts.TotalMilliseconds)
        );
        var json = JsonSerializer.SerializeToUtf8Bytes(answer, ApiJson.Plain.PreviewAnswer);
        return new BytesAnswer(memory, json, "application/json; charset=utf-8");
    }

    private async Task<(SortedDictionary<MessageState, long> Counts, bool IsExact)> CountAsync(
        HttpContext http,
        MessageFilter filter,
        long before
    )
    {
        var counts = new SortedDictionary<MessageState, long>();
        var begun = clock.GetTimestamp();
        for (long? next = before; next is { } below; )
        {
            if (clock.GetElapsedTime(begun) > LongestCount)
                return (counts, false);
            var some = await turns.RunAsync(http, () => queries.CountAsync(filter, below));
            foreach (var (state, count) in some.ByState)
                counts[state] = counts.GetValueOrDefault(state) + count;
            next = some.Next;
        }

        return (counts, true);
    }

    private MessageFilter? Filter(MemberReader members, string tenant, string search, long now)
    {
        var filter = filters.Search(tenant, search, now, out var mistakes);
        foreach (var mistake in mistakes)
            members.Fault("q", "invalid_search", mistake);
        if (mistakes.Count == 0 && string.IsNullOrWhiteSpace(search))
            members.Fault("q", "required", "Say which messages: a search of one word at least, such as status:deferred.");
        return filter;
    }

    private OperationDetails Details(MemberReader members, string tenant, BulkAction? action, long now)
    {
        if (action == BulkAction.Reroute)
        {
            var (account, pool) = (members.Text("account", LongestName), members.Text("pool", LongestName));
            var directory = accounts.Directory;
            if ((account is null) == (pool is null))
                members.Fault("account", "required", "Name an account or a pool, exactly one of the two.");
            else if (account is not null && directory.Find(tenant, account) is null)
                members.Fault("account", "unknown_account", "There is no such account.");
            else if (pool is not null && directory.Pools.Find(tenant, pool) is null)
                members.Fault("pool", "unknown_pool", "There is no such pool.");
            return new(account, pool);
        }

        if (action != BulkAction.Reschedule)
            return new();
        var (sendAt, expiresAt) = (members.Time("send_at", required: true), members.Time("expires_at"));
        var farthest = now + (long)limits.MaxAhead.TotalMilliseconds;
        if (sendAt > farthest)
            members.Fault("send_at", "out_of_range", $"At most {(int)limits.MaxAhead.TotalDays} days ahead; Unix times are in seconds.");
        if (expiresAt > farthest)
            members.Fault("expires_at", "out_of_range", $"At most {(int)limits.MaxAhead.TotalDays} days ahead; Unix times are in seconds.");
        if (expiresAt <= sendAt)
            members.Fault("expires_at", "expires_before_send", "expires_at lies before send_at.");
        else if (expiresAt <= now)
            members.Fault("expires_at", "expires_in_past", "expires_at has passed.");
        return new(SendAt: sendAt, ExpiresAt: expiresAt);
    }
}
