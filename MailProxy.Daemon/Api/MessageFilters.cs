using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Search;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Api;

/// <summary>
/// Reads which messages a request is about: one parameter a member, and <c>q</c>, the text of a search. All of it holds together.
/// </summary>
internal sealed class MessageFilters(CurrentAccounts accounts, TimeProvider clock)
{
    /// <summary>The parameters of a route whose messages are found so.</summary>
    public static readonly string[] Names =
    [
        "q",
        "status",
        "account",
        "pool",
        "batch",
        "tag",
        "to",
        "priority",
        "created_after",
        "created_before",
    ];

    /// <summary>What the query asks for; mistakes are told to it.</summary>
    /// <param name="tenant">Null: every tenant's.</param>
    public MessageFilter Read(HttpContext http, QueryReader query, string? tenant)
    {
        var own = tenant ?? Caller.Of(http).Tenant;
        List<MessageTerm> terms = [];
        if (query.Text("q") is { } text)
            terms.AddRange(Search(query, tenant, text));
        if (query.Text("account") is { } account)
            terms.Add(new MessageTerm.ByAccount(Accounts(own, account)));
        if (query.Text("pool") is { } pool)
            terms.Add(new MessageTerm.InPool(Pools(own, pool)));
        var filter = new MessageFilter(
            tenant,
            query.Value("status", WireNames.ParseState, $"Must be one of: {WireNames.States.Listed}."),
            null,
            query.Text("batch"),
            query.Text("tag"),
            Address(query.Text("to")),
            query.Value("priority", WireNames.ParsePriority, WireNames.PriorityRule),
            query.Time("created_after"),
            query.Time("created_before")
        );
        return terms.Aggregate(filter, With);
    }

    /// <summary>As it is stored: an international domain as A-labels.</summary>
    private static string? Address(string? written) =>
        written is not null && Addresses.ReadBare(written, out var mailbox) is null ? mailbox.Address : written;

    /// <summary>What a search of one tenant finds; ages are reckoned from a time, Unix milliseconds.</summary>
    public MessageFilter Search(string tenant, string text, long at, out IReadOnlyList<string> mistakes) =>
        Terms(tenant, text, at, out mistakes).Aggregate(new MessageFilter(tenant), With);

    private IReadOnlyList<MessageTerm> Search(QueryReader query, string? tenant, string text)
    {
        var terms = Terms(tenant, text, clock.GetUtcNow().ToUnixTimeMilliseconds(), out var mistakes);
        foreach (var mistake in mistakes)
            query.Fault("q", mistake, "invalid_search");
        return terms;
    }

    // Over all tenants a name means every account that is called so.
    private IReadOnlyList<MessageTerm> Terms(string? tenant, string text, long at, out IReadOnlyList<string> mistakes) =>
        new MessageSearch(
            name => tenant is null ? [.. Tenants.SelectMany(one => Accounts(one, name))] : Accounts(tenant, name),
            name => tenant is null ? [.. Tenants.SelectMany(one => Pools(one, name))] : Pools(tenant, name),
            at
        ).Read(text, out mistakes);

    private IEnumerable<string> Tenants => accounts.Directory.All.Select(static one => one.Tenant).Distinct(StringComparer.Ordinal);

    private AccountKey[] Accounts(string tenant, string name) => accounts.Directory.Find(tenant, name) is { } account ? [account.Key] : [];

    private PoolKey[] Pools(string tenant, string name) => accounts.Directory.Pools.Find(tenant, name) is { } pool ? [pool.Key] : [];

    // What an index knows stands in a member of its own, if nothing else asks for it already.
    private static MessageFilter With(MessageFilter filter, MessageTerm term) =>
        term switch
        {
            { Not: true } => More(filter, term),
            MessageTerm.InState { Any: [var state] } when filter.Status is null => filter with { Status = state },
            MessageTerm.ByAccount { Any: [var account] } when filter.Account is null => filter with { Account = account },
            MessageTerm.InPool { Any: [var pool] } when filter.Pool is null => filter with { Pool = pool },
            MessageTerm.InBatch batch when filter.Batch is null => filter with { Batch = batch.Name },
            MessageTerm.Tagged tagged when filter.Tag is null => filter with { Tag = tagged.Tag },
            MessageTerm.Recipient to when filter.To is null => filter with { To = to.Address },
            MessageTerm.OfPriority priority when filter.Priority is null => filter with { Priority = priority.Value },
            MessageTerm.Since since when filter.CreatedAfter is null => filter with { CreatedAfter = since.At },
            MessageTerm.Before before when filter.CreatedBefore is null => filter with { CreatedBefore = before.At },
            _ => More(filter, term),
        };

    private static MessageFilter More(MessageFilter filter, MessageTerm term) => filter with { Terms = [.. filter.Terms, term] };
}
