using MailProxy.Daemon.Api;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Operations;

/// <summary>Makes out the changes of an operation, message by message.</summary>
internal sealed class OperationPlans(
    IMessageQueries queries,
    MessageFilters filters,
    CurrentAccounts accounts,
    RerouteTargets targets,
    MessageTimes times,
    IOperationStore store,
    TimeProvider clock
)
{
    /// <summary>Messages of one step: some ten milliseconds of the store's writer.</summary>
    private const int Size = 200;

    private static readonly string Nothing = new MessageBefore().ToString();

    /// <summary>The next messages of an operation. Throws <see cref="OperationFaultException"/> when it cannot go on.</summary>
    public async Task<OperationStep> NextAsync(Operation operation) =>
        operation.Undoes is { } undone ? await UndoAsync(operation, undone) : await ForwardAsync(operation);

    private async Task<OperationStep> ForwardAsync(Operation operation)
    {
        var filter = filters.Search(operation.Tenant, operation.Search, operation.AskedAt, out var mistakes);
        if (mistakes.Count > 0)
            throw new OperationFaultException($"The search is not understood any more: {mistakes[0]}");
        var details = OperationDetails.Parse(operation.Details);
        var target = operation.Action == BulkAction.Reroute ? Target(operation.Tenant, details) : default;
        var page = await queries.ListAsync(filter, Size, operation.Cursor);
        var (changes, refused) = (new List<PlannedChange>(page.Messages.Count), 0);
        foreach (var view in page.Messages)
        {
            if (
                !BulkActions.Allows(operation.Action, view.State)
                || await PlanAsync(operation.Action, details, target, view) is not { } plan
            )
                refused++;
            else
                changes.Add(plan);
        }

        return new(changes, refused, page.Next, Now);
    }

    private async ValueTask<PlannedChange?> PlanAsync(BulkAction action, OperationDetails details, RerouteTarget target, MessageView view)
    {
        var key = view.Key;
        switch (action)
        {
            case BulkAction.Cancel:
                return new(view.Number, key, new MessageChange.Cancel(), null);
            case BulkAction.Retry:
                return new(view.Number, key, times.Retry(view), null);
            case BulkAction.Hold:
                return new(view.Number, key, new MessageChange.Hold(), Nothing);
            case BulkAction.Release:
                return new(view.Number, key, new MessageChange.Release(), Nothing);
            case BulkAction.Reschedule:
                var expiresAt = details.ExpiresAt ?? times.MovedExpiry(view, details.SendAt!.Value);
                var before = new MessageBefore(SendAt: view.SendAt, ExpiresAt: view.ExpiresAt);
                return new(view.Number, key, new MessageChange.Reschedule(details.SendAt!.Value, expiresAt), before.ToString());
            default:
                if (target.IsOf(view) || await targets.MayChangeAsync(key, target) is not { } change)
                    return null;
                return new(view.Number, key, change, new MessageBefore(view.Account.Number, view.Pool?.Number).ToString());
        }
    }

    private RerouteTarget Target(string tenant, OperationDetails details)
    {
        var directory = accounts.Directory;
        var target = new RerouteTarget(
            details.Account is { } account ? directory.Find(tenant, account) : null,
            details.Pool is { } pool ? directory.Pools.Find(tenant, pool) : null
        );
        return target is { Account: null, Pool: null }
            ? throw new OperationFaultException($"{details.Account ?? details.Pool} was deleted meanwhile.")
            : target;
    }

    private async Task<OperationStep> UndoAsync(Operation operation, long undone)
    {
        var some = await store.ChangedAsync(undone, operation.Cursor, Size);
        var (changes, refused) = (new List<PlannedChange>(some.Count), 0);
        foreach (var one in some)
        {
            if (await BackAsync(operation.Action, one.Key, MessageBefore.Parse(one.Before)) is { } change)
                changes.Add(new(one.Number, one.Key, change, null));
            else
                refused++;
        }

        return new(changes, refused, some.Count < Size ? null : some[^1].Number, Now);
    }

    // Null: the account or pool that it was to go by is gone, or the account may not send from its From any more.
    private async ValueTask<MessageChange?> BackAsync(BulkAction action, MessageKey key, MessageBefore before)
    {
        switch (action)
        {
            case BulkAction.Hold:
                return new MessageChange.Hold();
            case BulkAction.Release:
                return new MessageChange.Release();
            case BulkAction.Reschedule:
                return new MessageChange.Reschedule(before.SendAt ?? Now, before.ExpiresAt);
            default:
                var directory = accounts.Directory;
                var target = before.Pool is { } pool
                    ? new RerouteTarget(null, directory.Pools.Find(new PoolKey(pool)))
                    : new RerouteTarget(directory.Find(new AccountKey(before.Account!.Value)), null);
                return target is { Account: null, Pool: null } ? null : await targets.MayChangeAsync(key, target);
        }
    }

    private long Now => clock.GetUtcNow().ToUnixTimeMilliseconds();
}

/// <summary>An operation cannot go on, for a reason that a person understands.</summary>
internal sealed class OperationFaultException(string message) : Exception(message);
