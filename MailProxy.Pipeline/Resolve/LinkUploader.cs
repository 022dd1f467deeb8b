using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Sharing;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Resolve;

/// <summary>
/// Uploads a mail's files into a volume before the mail can be sent. The mail is set aside and comes back when its links are made; no
/// worker,
/// permit or connection waits for an upload.
/// </summary>
/// <param name="failed">Called once for a mail whose links cannot be made.</param>
internal sealed partial class LinkUploader(
    LargeFileLinks links,
    Wake wake,
    Func<QueuedMail, FetchTrouble, ValueTask> failed,
    PipelineMetrics metrics,
    ILogger logger,
    TenantShare? share = null,
    AsideIndex? index = null
)
{
    /// <summary>Number of mails in upload at a time. It is small because the cache holds their files meanwhile.</summary>
    public const int MostMails = 64;

    private const int AtATime = 4;

    private readonly Lock _gate = new();
    private readonly SharedCapacity _slots = new(MostMails, share ?? TenantShare.Unlimited);
    private readonly SharedCapacity _turns = new(AtATime, share ?? TenantShare.Unlimited);
    private readonly SharedCapacity _heavy = new(AtATime, share ?? TenantShare.Unlimited);
    private readonly CancellationTokenSource _cancel = new();
    private readonly TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _mails;
    private bool _stopping;

    /// <summary>Registers each tenant's use of uploads.</summary>
    public void ShowIn(TenantShares shares) => shares.Add("uploads", _slots);

    /// <summary>Explains why <see cref="TryUpload"/> returned false.</summary>
    public string WhyNot(string tenant)
    {
        var (held, allowed) = _slots.Of(tenant);
        return $"Too many messages wait for links to their large files: {held} of this tenant, which may have {allowed} now. It "
            + "is tried again when fewer wait.";
    }

    /// <summary>
    /// Sets the mail aside and makes its links. The mail comes back by <see cref="Wake.Return"/>, or as a failure. The caller must have
    /// given
    /// back the mail's permit. Returns false, with nothing done, when too many mails are in upload already.
    /// </summary>
    /// <param name="held">Holds the files; owned by the uploader when the result is true.</param>
    /// <param name="since">When the mail was accepted, in Unix milliseconds.</param>
    /// <param name="heavy">The mail's body stays in memory; as many of those are accepted as uploads run at a time.</param>
    public bool TryUpload(
        QueuedMail ticket,
        string tenant,
        LargeFiles rule,
        IReadOnlyList<LargeFile> files,
        IDisposable held,
        bool heavy = false,
        long since = 0
    )
    {
        if (_slots.TryTake(tenant, 1) is not { } slot)
            return false;
        IDisposable? weight = heavy ? _heavy.TryTake(tenant, 1) : null;
        var refused = heavy && weight is null;
        lock (_gate)
        {
            refused |= _stopping;
            if (!refused)
                _mails++;
        }

        if (refused)
        {
            weight?.Dispose();
            slot.Dispose();
            return false;
        }

        metrics.MailsAside.Inc();
        index?.Add(ticket, Math.Max(since, ticket.Due), "Its large files are being put into their volume, or wait for their turn to be.");
        wake.SetAside(ticket);
        _ = Task.Run(() => WorkAsync(ticket, tenant, rule, files, [held, .. weight is null ? Array.Empty<IDisposable>() : [weight], slot]));
        return true;
    }

    /// <summary>
    /// Completes after <paramref name="stop"/>, when no upload runs any more; mails that still wait remain queued in the store. Faults
    /// when the
    /// uploader has a bug.
    /// </summary>
    public async Task RunAsync(CancellationToken stop)
    {
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var stopping = stop.UnsafeRegister(static asked => ((TaskCompletionSource)asked!).TrySetResult(), asked);
        await Task.WhenAny(asked.Task, _over.Task);
        bool idle;
        lock (_gate)
        {
            _stopping = true;
            idle = _mails == 0;
        }

        await _cancel.CancelAsync();
        if (!idle || _over.Task.IsCompleted)
            await _over.Task;
    }

    private async Task WorkAsync(QueuedMail ticket, string tenant, LargeFiles rule, IReadOnlyList<LargeFile> files, IDisposable[] held)
    {
        try
        {
            var trouble = await LinkAsync(ticket, tenant, rule, files, held);
            index?.Remove(ticket);
            metrics.MailsAside.Dec();
            if (trouble is null)
                wake.Return(ticket);
            else
                await failed(ticket, trouble);
        }
        catch (OperationCanceledException) when (_cancel.IsCancellationRequested)
        {
            // The next start finds the mail in the store.
        }
        catch (Exception error)
        {
            _over.TrySetException(error);
        }
        finally
        {
            bool last;
            lock (_gate)
                last = --_mails == 0 && _stopping;
            if (last)
                _over.TrySetResult();
        }
    }

    private async Task<FetchTrouble?> LinkAsync(
        QueuedMail ticket,
        string tenant,
        LargeFiles rule,
        IReadOnlyList<LargeFile> files,
        IDisposable[] held
    )
    {
        try
        {
            using var turn = await _turns.TakeAsync(tenant, 1, _cancel.Token);
            await links.ApplyAsync(ticket, tenant, rule, files, mayUpload: true, _cancel.Token);
            return null;
        }
        catch (Exception error) when (error is FileNotFoundException || error.InnerException is FileNotFoundException)
        {
            return FetchTrouble.Own("Its body is not there any more.");
        }
        catch (SourceException error)
        {
            return FetchTrouble.Of(error);
        }
        catch (Exception error) when (error is not OperationCanceledException || !_cancel.IsCancellationRequested)
        {
            Log.CannotLink(logger, ticket.Id, error);
            return FetchTrouble.Own($"Its links could not be made: {error.Message}");
        }
        finally
        {
            foreach (var thing in held)
                thing.Dispose();
        }
    }

    private static partial class Log
    {
        [LoggerMessage(445, LogLevel.Error, "Links for message {Message} could not be made; it is deferred")]
        public static partial void CannotLink(ILogger logger, long message, Exception trouble);
    }
}
