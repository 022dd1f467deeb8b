using System.Threading.Channels;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Sharing;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Send;

/// <summary>Gives every mail one attempt. Many light workers; the governor is the pool of connections.</summary>
internal sealed partial class SendStage(
    ChannelReader<ResolvedMail> input,
    SmtpPool pool,
    IMarks marks,
    ChannelWriter<Outcome> report,
    Wake wake,
    SendOptions options,
    PipelineMetrics metrics,
    Func<AccountKey, string> accountName,
    TimeProvider clock,
    ILogger logger,
    TenantShare? share = null
)
{
    private readonly Rendering _rendering = new(new MimeComposer(options), share ?? TenantShare.Unlimited);
    private readonly SharedCapacity _places = new(options.Workers, share ?? TenantShare.Unlimited);
    private readonly SenderRefusals _refusals = new();

    /// <summary>Runs until the channel is completed and empty and every attempt has its outcome. Bounded by the mails that Schedule lets be
    /// on
    /// their way.</summary>
    /// <param name="stop">Begin no mail any more: what has not been marked stays in the queue. What has been goes on.</param>
    /// <param name="abort">Let go, but wait for the reply of a server that has the whole mail.</param>
    /// <param name="abandon">Do not wait for that either.</param>
    public async Task RunAsync(CancellationToken stop, CancellationToken abort, CancellationToken abandon)
    {
        using var opening = CancellationTokenSource.CreateLinkedTokenSource(stop, abort);
        await Stage.ForEachApart(
            input,
            async mail =>
            {
                using var place = await _places.TakeAsync(mail.Account.Tenant, 1, CancellationToken.None);
                await HandleAsync(mail, opening.Token, abort, abandon);
            }
        );
    }

    private async Task HandleAsync(ResolvedMail mail, CancellationToken opening, CancellationToken abort, CancellationToken abandon)
    {
        var began = clock.GetTimestamp();
        var attempt = new SendAttempt(mail, pool, _refusals, _rendering, marks, options.MarksAhead, clock, logger);
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
        metrics.Attempts.WithLabels(accountName(mail.Account.Key), result).Inc();
        Log.Attempted(logger, mail.Due.Ticket.Id, mail.Account.ToString(), result, (long)clock.GetElapsedTime(began).TotalMilliseconds);

        if (attempt.Connection is { } connection)
            pool.Return(connection);
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

    // The worst that needs attention names the attempt, but mixed verdicts with an acceptance are "partial".
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
        [LoggerMessage(502, LogLevel.Error, "Message {Tenant}/{Message} met an error nobody foresaw")]
        public static partial void Unforeseen(ILogger logger, string tenant, string message, Exception trouble);

        [LoggerMessage(503, LogLevel.Debug, "Message {Message} by account {Account}: {Result} after {Milliseconds} ms")]
        public static partial void Attempted(ILogger logger, long message, string account, string result, long milliseconds);
    }
}
