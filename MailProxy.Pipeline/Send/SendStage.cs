using System.Threading.Channels;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Profiles;
using MailProxy.Pipeline.Sharing;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Send;

/// <summary>
/// Makes one attempt for every mail. Each account has a line of mails and loops that send them, as many as it may have connections; a
/// loop sends mail after mail as long as there is any.
/// </summary>
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
    ReplyJudge? judge = null,
    UnsubscribeLinks? unsubscribe = null,
    Func<AccountKey, bool>? isHeld = null
)
{
    private readonly Rendering _rendering = new(new MimeComposer(options, unsubscribe), share ?? TenantShare.Unlimited);
    private readonly SharedCapacity _workers = new(options.Workers, share ?? TenantShare.Unlimited);
    private readonly SenderRefusals _refusals = new();
    private readonly Dictionary<AccountKey, SendLine> _lines = []; // its own lock
    private bool _hasDeleted;
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
        var run = new SendRun(
            pool,
            _refusals,
            _judge,
            isHeld ?? (static _ => false),
            _rendering,
            marks,
            options,
            clock,
            logger,
            opening.Token,
            abort,
            abandon
        );
        accounts.Changed += NoteDeleted;
        try
        {
            await Stage.ForEachLine(input, (mail, start) => Take(new(mail, run), run, start));
        }
        finally
        {
            accounts.Changed -= NoteDeleted;
        }
    }

    private void NoteDeleted() => Volatile.Write(ref _hasDeleted, true);

    private void Take(PendingMail mail, SendRun run, Action<Func<Task>> start)
    {
        if (Interlocked.Exchange(ref _hasDeleted, false))
            ForgetDeleted();
        mail.MarkEarly();
        if (!Rendering.IsLarge(mail.Mail))
            Line(mail, run, start);
        else
            start(() => PrepareAsync(mail, run, start));
    }

    private void ForgetDeleted()
    {
        var directory = accounts.Directory;
        bool IsGone(AccountKey account) => directory.Find(account) is null;
        _refusals.Forget(IsGone);
        _judge.Forget(IsGone);
        lock (_lines)
        {
            foreach (var account in _lines.Where(line => IsGone(line.Key) && line.Value.IsOver).Select(static line => line.Key).ToArray())
                _lines.Remove(account);
        }
    }

    // A connection does not wait while a large mail is rendered.
    private async Task PrepareAsync(PendingMail mail, SendRun run, Action<Func<Task>> start)
    {
        await mail.PrepareAsync();
        Line(mail, run, start);
    }

    private void Line(PendingMail mail, SendRun run, Action<Func<Task>> start)
    {
        var account = mail.Mail.Account;
        SendLine? line;
        bool isOneMore;
        lock (_lines)
        {
            if (!_lines.TryGetValue(account.Key, out line))
                _lines[account.Key] = line = new();
            isOneMore = line.Add(mail, (accounts.Directory.Find(account.Key) ?? account).MaxConnections);
        }

        if (isOneMore)
            start(() => new SendLoop(line, run, _workers, FinishAsync).RunAsync());
    }

    private async ValueTask FinishAsync(PendingMail attempt, Outcome outcome)
    {
        var mail = attempt.Mail;
        attempt.GiveBack();
        var result = Class(outcome);
        metrics.Attempts.Of(mail.Account.Label, result).Inc();
        SendSpan.Tell(attempt, outcome, result, clock);
        Log.Attempted(
            logger,
            mail.Due.Ticket.Id,
            mail.Account.ToString(),
            result,
            (long)clock.GetElapsedTime(attempt.Arrived).TotalMilliseconds
        );

        // Where the account is to blame, or was tried, the lane goes on only when Report has said how: see there.
        if (mail.Due.IsProbe)
            outcome = outcome with { IsProbe = true };
        else if (outcome is not (Outcome.AccountToBlame or Outcome.HeldBack or Outcome.Attempted { Trouble: not null }))
            wake.Answered(mail.Due.Ticket);
        await report.WriteAsync(outcome, CancellationToken.None);
    }

    private static string Class(Outcome outcome) =>
        outcome switch
        {
            Outcome.Attempted attempted => AttemptRecord.NameOf(attempted.Verdicts),
            Outcome.AccountToBlame => "account",
            Outcome.Released => "dropped",
            Outcome.Unsendable => "unsendable",
            Outcome.Postponed => "postponed",
            _ => "dropped",
        };

    private static partial class Log
    {
        [LoggerMessage(503, LogLevel.Debug, "Message {Message} by account {Account}: {Result} after {Milliseconds} ms")]
        public static partial void Attempted(ILogger logger, long message, string account, string result, long milliseconds);
    }
}
