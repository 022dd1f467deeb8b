using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Api;

/// <summary>What an operation may do: the names, which states allow it, and what undoes it.</summary>
internal static class BulkActions
{
    public static readonly Names<BulkAction> All = new(
        ("cancel", BulkAction.Cancel),
        ("retry", BulkAction.Retry),
        ("hold", BulkAction.Hold),
        ("release", BulkAction.Release),
        ("reroute", BulkAction.Reroute),
        ("reschedule", BulkAction.Reschedule)
    );

    public static readonly Names<OperationState> States = new(
        ("running", OperationState.Running),
        ("done", OperationState.Done),
        ("stopped", OperationState.Stopped),
        ("failed", OperationState.Failed)
    );

    /// <summary>How long after its end an operation can be undone.</summary>
    public static readonly TimeSpan Undoable = TimeSpan.FromHours(1);

    /// <summary>The action that undoes another; null: nothing does.</summary>
    public static BulkAction? Inverse(BulkAction action) =>
        action switch
        {
            BulkAction.Hold => BulkAction.Release,
            BulkAction.Release => BulkAction.Hold,
            BulkAction.Reroute or BulkAction.Reschedule => action,
            _ => null,
        };

    /// <summary>Whether a message in this state is changed; its route and its times may still forbid it.</summary>
    public static bool Allows(BulkAction action, MessageState state) =>
        action switch
        {
            _ when state == MessageState.Sending => false,
            BulkAction.Retry => state is MessageState.Deferred or MessageState.Scheduled or MessageState.Failed or MessageState.Expired,
            BulkAction.Hold => !state.IsFinal() && state != MessageState.Held,
            BulkAction.Release => state == MessageState.Held,
            _ => !state.IsFinal(),
        };
}
