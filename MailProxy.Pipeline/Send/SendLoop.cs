using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Sharing;

namespace MailProxy.Pipeline.Send;

/// <summary>Sends the mails of one account one after the other, over a connection that it keeps as long as it may.</summary>
/// <param name="finish">Hands an outcome on.</param>
internal sealed class SendLoop(SendLine line, SendRun run, SharedCapacity workers, Func<PendingMail, Outcome, ValueTask> finish)
{
    /// <summary>Until nobody waits any more. Faults when an outcome cannot be handed on.</summary>
    public async Task RunAsync()
    {
        var held = new HeldConnection(run.Pool, line, run, () => workers.IsWaitedFor);
        var mail = line.TakeOrEnd();
        try
        {
            await ServeAsync(mail, held);
        }
        catch
        {
            // Nobody takes outcomes any more: the pipeline is coming down. What still waits is queued in the store.
            held.Release();
            for (var left = held.TakeNext(); left is not null; left = line.Take())
                left.GiveBack();
            throw;
        }
    }

    private async Task ServeAsync(PendingMail? mail, HeldConnection held)
    {
        while (mail is not null)
        {
            // Kept from mail to mail, unless others wait for it and the connection's turn is over too.
            using (await workers.TakeAsync(mail.Tenant, 1, CancellationToken.None))
            {
                do
                {
                    await finish(mail, await new SendAttempt(mail, held, run).RunAsync());
                    mail = held.TakeNext();
                } while (mail is not null && (held.Connection is not null || !workers.IsWaitedFor));
            }

            mail ??= line.TakeOrEnd();
        }
    }
}
