using System.Threading.Channels;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Profiles;
using MailProxy.Pipeline.Sharing;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Send;

/// <summary>Makes one attempt for every mail. The workers are many and light; the pool of connections limits them.</summary>
internal sealed partial class SendStage(
    ChannelReader<ResolvedMail> input,
    SmtpPool pool,
    IMarks marks,
    ChannelWriter<Outcome> report,
    Wake wake,
    SendOptions options,
    PipelineMetrics metrics,
    CurrentAccounts accounts,
    TimeProvider clock,
    ILogger logger,
    TenantShare? share = null,
    ReplyJudge? judge = null
)
{
    private readonly Rendering _rendering = new(new MimeComposer(options), share ?? TenantShare.Unlimited);
    private readonly SharedCapacity _workers = new(options.Workers, share ?? TenantShare.Unlimited);
    private readonly SenderRefusals _refusals = new();
    private readonly ReplyJudge _judge = judge ?? new(ProfileSet.Shipped, clock, metrics, logger);

    /// <summary>
    /// Runs until the channel is completed and empty and every attempt has its outcome. Bounded by the mails that Schedule
    /// allows under way.
    /// </summary>
    /// <param name="stop">No mail begins any more: unmarked mail stays in the queue, marked mail goes on.</param>
    /// <param name="abort">Attempts end, except those that wait for the reply of a server that has the whole mail.</param>
    /// <param name="abandon">Those end too.</param>
    public async Task RunAsync(CancellationToken stop, CancellationToken abort, CancellationToken abandon)
    {
        using var opening = CancellationTokenSource.CreateLinkedTokenSource(stop, abort);
        accounts.Changed += ForgetDeleted;
        try
        {
            await Stage.ForEachApart(
                input,
                async mail =>
                {
                    using var worker = await _workers.TakeAsync(mail.Account.Tenant, 1, CancellationToken.None);
                    await HandleAsync(mail, opening.Token, abort, abandon);
                }
            );
        }
        finally
        {
            accounts.Changed -= ForgetDeleted;
        }
    }

    private void ForgetDeleted()
    {
        var directory = accounts.Directory;
        _refusals.Forget(account => directory.Find(account) is null);
        _judge.Forget(account => directory.Find(account) is null);
    }

    private async Task HandleAsync(ResolvedMail mail, CancellationToken opening, CancellationToken abort, CancellationToken abandon)
    {
        var began = clock.GetTimestamp();
        var attempt = new SendAttempt(mail, pool, _refusals, _judge, _rendering, marks, options.MarksAhead, clock, logger);
        Outcome outcome;
        try
        {
            outcome = await attempt.RunAsync(opening, abort, abandon);
        }
        catch (ChannelClosedException)
        {
            mail.Due.Permit.Dispose();
            throw;
        }
        catch (Exception error)
        {
            Log.Unforeseen(logger, mail.Content.Key.Tenant, mail.Content.Key.Id, error);
            outcome = attempt.Unforeseen(error);
        }

        outcome = outcome with { Mark = attempt.Begun };
        mail.Due.Permit.Dispose();
        mail.Charge.Dispose();
        var result = Class(outcome);
        metrics.Attempts.Of(mail.Account.Label, result).Inc();
        Log.Attempted(logger, mail.Due.Ticket.Id, mail.Account.ToString(), result, (long)clock.GetElapsedTime(began).TotalMilliseconds);

        if (attempt.Connection is { } connection)
            pool.Return(connection);

        // Where the account is to blame the lane goes on only when it has been parked: see Report.
        if (outcome is not (Outcome.AccountToBlame or Outcome.Attempted { Trouble: not null }))
            wake.Answered(mail.Due.Ticket);
        await report.WriteAsync(outcome, CancellationToken.None);
    }

    private static string Class(Outcome outcome) =>
        outcome switch
        {
            Outcome.Attempted attempted => Class(attempted.Verdicts),
            Outcome.AccountToBlame => "account",
            Outcome.Released => "dropped",
            Outcome.Unsendable => "unsendable",
            Outcome.Postponed => "postponed",
            _ => "dropped",
        };

    // The worst verdict names the attempt, but mixed verdicts with an acceptance are "partial".
    private static string Class(IReadOnlyList<RecipientVerdict> verdicts)
    {
        bool Any(Verdict verdict) => verdicts.Any(v => v.Verdict == verdict);
        if (Any(Verdict.InDoubt))
            return "in_doubt";
        if (Any(Verdict.Accepted))
            return verdicts.All(static v => v.Verdict == Verdict.Accepted) ? "accepted" : "partial";
        return Any(Verdict.Deferred) ? "deferred" : "refused";
    }

    private static partial class Log
    {
        [LoggerMessage(502, LogLevel.Error, "Message {Tenant}/{Message} met an unexpected error")]
        public static partial void Unforeseen(ILogger logger, string tenant, string message, Exception trouble);

        [LoggerMessage(503, LogLevel.Debug, "Message {Message} by account {Account}: {Result} after {Milliseconds} ms")]
        public static partial void Attempted(ILogger logger, long message, string account, string result, long milliseconds);
    }
}
