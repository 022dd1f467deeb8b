using System.Runtime.ExceptionServices;
using System.Threading.Channels;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Send;

/// <summary>Gives every mail one attempt. Many light workers; the governor is the pool of connections.</summary>
internal sealed partial class SendStage(
    ChannelReader<ResolvedMail> door,
    SmtpPool pool,
    ChannelWriter<ReportItem> report,
    SendOptions options,
    PipelineMetrics metrics,
    Func<AccountKey, string> accountName,
    TimeProvider clock,
    ILogger logger)
{
    private readonly MimeComposer _composer = new(options);

    /// <summary>Runs until the door is closed and empty and every attempt has its outcome. </summary>
    /// <param name="abort">Let go, but wait for the reply of a server that has the whole mail.</param>
    /// <param name="abandon">Do not wait for that either.</param>
    public async Task RunAsync(CancellationToken abort, CancellationToken abandon)
    {
        // One loop and a count of places instead of so many loops, since each of those would wake for every single mail.
        using var places = new SemaphoreSlim(options.Workers, options.Workers);
        using var broken = new CancellationTokenSource();
        Exception? bug = null;

        async Task Work(ResolvedMail mail)
        {
            try
            {
                await HandleAsync(mail, abort, abandon);
            }
            catch (Exception escaped)
            {
                Interlocked.CompareExchange(ref bug, escaped, null);
                await broken.CancelAsync();
            }
            finally
            {
                places.Release();
            }
        }

        try
        {
            while (await door.WaitToReadAsync(broken.Token))
            {
                // The place comes first: a mail taken from the door is a mail in work.
                await places.WaitAsync(broken.Token);
                if (door.TryRead(out var mail)) _ = Task.Run(() => Work(mail), CancellationToken.None);
                else places.Release();
            }
        }
        catch (OperationCanceledException) when (broken.IsCancellationRequested)
        {
            // The bug is thrown below, once the others are done.
        }

        for (var i = 0; i < options.Workers; i++) await places.WaitAsync(CancellationToken.None);
        if (bug is not null) ExceptionDispatchInfo.Throw(bug);
    }

    private async Task HandleAsync(ResolvedMail mail, CancellationToken abort, CancellationToken abandon)
    {
        var began = clock.GetTimestamp();
        var attempt = new SendAttempt(mail, pool, _composer, report, logger);
        Outcome outcome;
        try
        {
            outcome = await attempt.RunAsync(abort, abandon);
        }
        catch (ChannelClosedException)
        {
            mail.Due.Permit.Dispose();
            throw;
        }
        catch (Exception unforeseen)
        {
            Log.Unforeseen(logger, mail.Due.Ticket.Id, unforeseen);
            outcome = await attempt.UnforeseenAsync(unforeseen);
        }

        mail.Due.Permit.Dispose();
        mail.Charge.Dispose();
        var result = Class(outcome);
        metrics.Attempts.WithLabels(accountName(mail.Account.Key), result).Inc();
        Log.Attempted(logger, mail.Due.Ticket.Id, mail.Account.ToString(), result, (long)clock.GetElapsedTime(began).TotalMilliseconds);

        // The outcome goes first, so that it precedes the mark of the next mail on this connection.
        await report.WriteAsync(outcome, CancellationToken.None);
        if (attempt.Connection is { } connection) pool.Return(connection);
    }

    private static string Class(Outcome outcome) => outcome switch
    {
        Outcome.Attempted attempted => Class(attempted.Verdicts),
        Outcome.AccountToBlame => "account",
        Outcome.Unsendable => "unsendable",
        Outcome.Postponed => "postponed",
        _ => "dropped",
    };

    // The worst that needs attention names the attempt, but mixed verdicts with an acceptance are "partial".
    private static string Class(IReadOnlyList<RecipientVerdict> verdicts)
    {
        bool Any(Verdict verdict) => verdicts.Any(v => v.Verdict == verdict);
        if (Any(Verdict.InDoubt)) return "in_doubt";
        if (Any(Verdict.Accepted)) return verdicts.All(static v => v.Verdict == Verdict.Accepted) ? "accepted" : "partial";
        return Any(Verdict.Deferred) ? "deferred" : "refused";
    }

    private static partial class Log
    {
        [LoggerMessage(502, LogLevel.Error, "Message {Message} met an error nobody foresaw")]
        public static partial void Unforeseen(ILogger logger, long message, Exception trouble);

        [LoggerMessage(503, LogLevel.Debug, "Message {Message} by account {Account}: {Result} after {Milliseconds} ms")]
        public static partial void Attempted(ILogger logger, long message, string account, string result, long milliseconds);
    }
}
