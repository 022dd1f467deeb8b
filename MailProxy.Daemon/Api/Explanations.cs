using System.Globalization;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Pools;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Api;

/// <summary>Explains messages and accounts from what the scheduler, the accounts and the store say at this instant.</summary>
internal sealed class Explanations(CurrentAccounts accounts, DispatcherControl dispatcher, IMessageQueries queries, TimeProvider clock)
{
    public async Task<ExplainAnswer> OfAsync(MessageView view)
    {
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        var account = accounts.Directory.OfLane(view.Lane);
        var lane = dispatcher.Lane(view.Lane);
        var all = WaitReason.All(view, account, dispatcher.IsSuspended(), lane.Gates, now, dispatcher.SetAsideFor(view.Number));
        IReadOnlyList<GateAnswer> gates = [.. all.Select(wait => Gate(wait, account?.Key, view.Key.Tenant))];
        var position = Waits(view, now) ? await queries.PositionAsync(view.Number, now) : null;
        return new(
            view.Key.Id,
            view.Key.Tenant,
            view.State.Name(),
            view.State.IsFinal(),
            gates,
            position is null ? null : new(position.Ahead, position.More),
            view.State.IsFinal() ? null : Route(view),
            NextAttempt(view, gates, now),
            Times.Utc(view.ExpiresAt),
            view.Attempts,
            Summary(view, gates, position)
        );
    }

    public PoolExplainAnswer Of(Pool pool)
    {
        var lane = dispatcher.Lane(Lanes.Of(pool.Key));
        IReadOnlyList<GateAnswer> gates = [.. WaitReason.OfLane(null, lane.Gates).Select(wait => Gate(wait, null, pool.Tenant))];
        if (dispatcher.IsSuspended())
            gates = [Gate(WaitReason.Suspended, null, pool.Tenant), .. gates];
        var candidates = accounts.Directory.MembersOf(pool).Select(member => Candidate(member.Account)).ToArray();
        return new(
            pool.Id,
            pool.Tenant,
            PoolFields.Strategies.First(one => one.Value == pool.Strategy).Name,
            gates,
            candidates,
            lane.InFlight,
            Sentence(gates, lane)
        );
    }

    public AccountExplainAnswer Of(SmtpAccount account)
    {
        var lane = dispatcher.Lane(Lanes.Of(account.Key));
        var gates = Gates(account, lane);
        if (dispatcher.IsSuspended())
            gates = [Gate(WaitReason.Suspended, account.Key, account.Tenant), .. gates];
        return new(account.Id, account.Tenant, Server(account), gates, lane.InFlight, Sentence(gates, lane));
    }

    private static string Sentence(IReadOnlyList<GateAnswer> gates, LaneView lane)
    {
        var under = string.Create(CultureInfo.InvariantCulture, $"{lane.InFlight} attempts are under way.");
        return gates.Count == 0 ? $"Nothing holds its mail; {under}" : $"{gates[0].Detail ?? gates[0].Reason} {under}";
    }

    private IReadOnlyList<GateAnswer> Gates(SmtpAccount account, LaneView lane) =>
        [.. WaitReason.OfLane(account, lane.Gates).Select(wait => Gate(wait, account.Key, account.Tenant))];

    private GateAnswer Gate(WaitAnswer wait, AccountKey? account, string tenant) =>
        new(wait.Reason, Scope(wait.Reason), wait.Until, wait.Detail, Limits(wait.Reason, account, tenant));

    // Only those that are used up: what others of the installation have used beyond that is nobody's business.
    private IReadOnlyList<LimitUsageAnswer>? Limits(string reason, AccountKey? account, string tenant)
    {
        LimitKey? key = reason switch
        {
            "account_limit" when account is { } one => LimitKey.Of(one),
            "tenant_limit" when accounts.Directory.Tenants.Find(tenant) is { Number: > 0 } known => known.LimitKey,
            "installation_limit" => LimitKey.Installation,
            _ => null,
        };
        if (key is null)
            return null;
        var held = dispatcher.Limits(key.Value).Where(static usage => usage.OpensAt is not null);
        return [.. held.Select(static u => new LimitUsageAnswer(LimitUsageFields.Name(u), u.Used, u.Limit, Times.Utc(u.OpensAt)))];
    }

    private static string Scope(string reason) =>
        reason switch
        {
            "batch_suspended" => "batch",
            "tenant_suspended" or "tenant_limit" or "tenant_share" => "tenant",
            "dispatcher_suspended" or "installation_limit" or "store" => "installation",
            "person"
            or "attempt"
            or "send_at"
            or "retry"
            or "attachments"
            or "destination_limit"
            or "from_excluded"
            or "stays_with_account" => "message",
            "pool" => "pool",
            _ => "account",
        };

    // Whether it stands in its lane: it is not final, under way or held, and its time has come.
    private static bool Waits(MessageView view, long now) =>
        !view.State.IsFinal()
        && view.State is not (MessageState.Sending or MessageState.Held)
        && !view.BatchSuspended
        && !(view.NextAttemptAt > now);

    private RouteAnswer Route(MessageView view)
    {
        var directory = accounts.Directory;
        var (own, domains) = (directory.OfLane(view.Lane), WaitReason.DomainsOf(view));
        if ((view.Pool is { } key ? directory.Pools.Find(key) : null) is not { } pool)
            return Route(null, own is null ? [] : [Candidate(own, NoRoom(own, domains))]);
        var members = directory
            .MembersOf(pool)
            .Select(member => Candidate(member.Account, Barred(member.Account, view, own) ?? NoRoom(member.Account, domains)));
        return Route(pool.Id, [.. members]);
    }

    private static RouteAnswer Route(string? pool, IReadOnlyList<CandidateAnswer> candidates) =>
        new(pool, candidates.FirstOrDefault(static candidate => candidate.Usable)?.Account, candidates);

    private CandidateAnswer Candidate(SmtpAccount account, WaitAnswer? barred = null)
    {
        var gates = Gates(account, dispatcher.Lane(Lanes.Of(account.Key)));
        if (barred is not null)
            gates = [Gate(barred, account.Key, account.Tenant), .. gates];
        return new(account.Id, Server(account), gates.Count == 0, gates);
    }

    // Why a message may not go by an account of its pool, whatever the account can do.
    private static WaitAnswer? Barred(SmtpAccount account, MessageView view, SmtpAccount? own) =>
        view.NotBy?.Split(',').Contains(account.Id) == true
            ? new("from_excluded", null, $"The account '{account.Id}' may not send from the message's From address.")
        : own is not null && account.Key != own.Key
            ? new("stays_with_account", null, "The message was greylisted or is in doubt, and stays with the account that it began with.")
        : null;

    private WaitAnswer? NoRoom(SmtpAccount account, IReadOnlyList<string> domains) =>
        dispatcher.DestinationHold(account, domains) is { } hold ? WaitReason.Destination(account, hold) : null;

    private static string? Server(SmtpAccount account) =>
        account.Host is { } host ? string.Create(CultureInfo.InvariantCulture, $"{host}:{account.Port}") : null;

    // Not before the last of the gates that open by themselves; unknown while one needs a person.
    private static DateTime? NextAttempt(MessageView view, IReadOnlyList<GateAnswer> gates, long now)
    {
        if (view.State.IsFinal() || view.State == MessageState.Sending)
            return null;
        if (gates.Count == 0)
            return Times.Utc(now);
        return gates.Any(static gate => gate.Until is null) ? null : gates.Max(static gate => gate.Until);
    }

    private static string Summary(MessageView view, IReadOnlyList<GateAnswer> gates, LanePosition? position)
    {
        if (view.State.IsFinal())
            return $"It is {view.State.Name()}, which is final.";
        if (gates.Count > 0)
            return gates[0].Detail ?? gates[0].Reason;
        return position is { Ahead: > 0 }
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"It goes as soon as its turn comes; {(position.More ? "more than " : "")}{position.Ahead} messages go before it."
            )
            : "It goes next.";
    }
}
