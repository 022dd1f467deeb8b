using MailProxy.Pipeline.Accounts;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Resolve;

/// <summary>Puts large files where their links lead, while their mail is set aside: an upload holds no permit and no worker.</summary>
/// <param name="failed">Told once for a mail whose links cannot be made.</param>
internal sealed partial class LinkMaker(LargeFileLinks links, Wake wake, Func<QueuedMail, FetchTrouble, ValueTask> failed, ILogger logger)
{
    /// <summary>Mails whose files are uploaded at the same time. What comes beyond is deferred a little, so that few files are held.</summary>
    private const int AtOnce = 8;

    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _cancel = new();
    private readonly HashSet<Task> _making = [];
    private bool _stopping;

    /// <summary>Sets the mail aside; it comes back by <see cref="Wake.Return"/> when its links stand, or as a failure. Its charge ends with that. False: too many are under way, and nothing was done.</summary>
    public bool TryMake(ResolvedMail mail, LargeFiles rule, IReadOnlyList<LargeFile> files)
    {
        lock (_gate)
        {
            if (_stopping || _making.Count >= AtOnce) return false;
            var making = new Task<Task>(() => MakeAsync(mail, rule, files));
            var whole = making.Unwrap();
            _making.Add(whole);
            whole.ContinueWith(Forget, TaskScheduler.Default);
            wake.SetAside(mail.Due.Ticket);
            making.Start(TaskScheduler.Default);
            return true;
        }
    }

    /// <summary>Ends after <paramref name="stop"/>, when nothing is uploaded any more; the mails are queued in the store. Faults when there is a bug.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using (stop.UnsafeRegister(static state => ((TaskCompletionSource)state!).TrySetResult(), asked)) await asked.Task;
        Task[] left;
        lock (_gate)
        {
            _stopping = true;
            left = [.. _making];
        }

        await _cancel.CancelAsync();
        await Task.WhenAll(left);
    }

    private async Task MakeAsync(ResolvedMail mail, LargeFiles rule, IReadOnlyList<LargeFile> files)
    {
        var ticket = mail.Due.Ticket;
        try
        {
            await links.ApplyAsync(ticket, mail.Content.Key.Tenant, rule, files, mayUpload: true, _cancel.Token);
            wake.Return(ticket);
        }
        catch (OperationCanceledException) when (_cancel.IsCancellationRequested)
        {
            // It is queued in the store, and the next start finds it there.
        }
        catch (SourceException fault)
        {
            await failed(ticket, FetchTrouble.Of(fault));
        }
        catch (Exception fault)
        {
            Log.CannotLink(logger, ticket.Id, fault);
            await failed(ticket, FetchTrouble.Own($"Links to large files could not be made: {fault.Message}"));
        }
        finally
        {
            mail.Charge.Dispose();
        }
    }

    private void Forget(Task made)
    {
        lock (_gate) _making.Remove(made);
    }

    private static partial class Log
    {
        [LoggerMessage(442, LogLevel.Error, "Links for message {Message} could not be made; it is deferred")]
        public static partial void CannotLink(ILogger logger, long message, Exception fault);
    }
}
