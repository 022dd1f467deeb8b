using System.Threading.Channels;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Report;

/// <summary>
/// Writes outcomes in the order in which they came, one commit a batch; then keeps the promises, and wakes Schedule. While one
/// commit is under way the next batch gathers.
/// </summary>
internal sealed partial class ReportStage(
    ChannelReader<Outcome> input,
    IMessageStore store,
    AccountWatch watch,
    CurrentAccounts accounts,
    Wake wake,
    ReportOptions options,
    PipelineMetrics metrics,
    TimeProvider clock,
    Func<double> chance,
    ILogger logger
)
{
    private readonly ReportCommit _commit = new(store, clock, logger);
    private readonly Settler _settler = new(options, account => accounts.Directory.RetryOf(account), chance);
    private readonly ReportMeter _meter = new(metrics, accounts);

    /// <summary>Runs until the channel is completed and empty. It takes no cancellation token, because every outcome must be
    /// recorded.</summary>
    public async Task RunAsync()
    {
        await using var last = watch;
        await Stage.ForEachBatch(input, options.MaxCommit, long.MaxValue, static _ => 0, HandleAsync);
    }

    /// <summary>
    /// Settles what the end of the last run left open: as the server answered where that is known, else by each message's policy. Before
    /// the first mail goes out.
    /// </summary>
    public async Task SettleOpenAsync(Recovery recovery)
    {
        if (recovery.InDoubt.Count > 0)
            Log.InDoubt(logger, recovery.InDoubt.Count);
        if (recovery.Answered.Count > 0)
            Log.Answered(logger, recovery.Answered.Count);
        var open = recovery
            .Answered.Select(static tried =>
                (tried.Ticket, tried.Content, tried.Mark, Verdicts: (IReadOnlyList<RecipientVerdict>?)tried.Verdicts)
            )
            .Concat(
                recovery.InDoubt.Select(static doubt =>
                    (doubt.Ticket, doubt.Content, doubt.Mark, Verdicts: (IReadOnlyList<RecipientVerdict>?)null)
                )
            );
        foreach (var chunk in open.Chunk(options.MaxCommit))
        {
            Settlement[] settlements =
            [
                .. chunk.Select(one =>
                    (
                        one.Verdicts is { } verdicts
                            ? _settler.Attempted(one.Ticket, one.Content, verdicts, Now())
                            : _settler.InDoubt(one.Ticket, one.Content, Now())
                    ) with
                    {
                        Mark = one.Mark,
                        Destinations = CountsOf(one.Content),
                    }
                ),
            ];
            var written = await _commit.WriteAsync(settlements);
            foreach (var ((one, settlement), done) in chunk.Zip(settlements).Zip(written))
                After(settlement, one.Content, done);
        }
    }

    private async ValueTask HandleAsync(List<Outcome> batch)
    {
        var now = Now();
        var settlements = batch.ConvertAll(outcome => Decide(outcome, now));
        var results = await _commit.WriteAsync(settlements);
        for (var i = 0; i < batch.Count; i++)
        {
            ReportSpans.Tell(ContentOf(batch[i]), settlements[i], results[i], now, clock);
            After(batch[i], settlements[i], results[i], now);
        }
    }

    /// <summary>What an outcome asks the store to write; null: nothing.</summary>
    private Settlement? Decide(Outcome outcome, long now)
    {
        var settlement = outcome switch
        {
            Outcome.Attempted tried when Excluded(tried, now) is { } elsewhere => elsewhere,
            Outcome.Attempted tried => _settler.Attempted(tried.Ticket, tried.Content, tried.Verdicts, now),
            Outcome.AccountToBlame { Content: { } content } => Settler.Untried(outcome.Ticket, content, now),
            Outcome.AccountToBlame { Attempt: not null } => Settler.NotBegun(outcome.Ticket, now),
            Outcome.Released { Content: var content } => Settler.Untried(outcome.Ticket, content, now),
            Outcome.HeldBack { Content: { } content } => Settler.Untried(outcome.Ticket, content, now),
            Outcome.Suppressed kept => _settler.Suppressed(kept.Ticket, kept.Content, now),
            Outcome.Unsendable never => _settler.Unsendable(never.Ticket, never.Content, never.EnhancedCode, never.Reason, now),
            Outcome.Postponed { Content: { } content } later => _settler.Postponed(later, content, now),
            Outcome.PutOff later => Settler.PutOff(later, now),
            _ => null,
        };
        return settlement is null
            ? null
            : settlement with
            {
                Mark = outcome.Mark,
                Destinations = outcome is Outcome.Attempted { Mark: not null, Content: var sent } ? CountsOf(sent) : [],
                Attempt = outcome.Attempt,
                Suppress = outcome is Outcome.Attempted refused ? NoSuchAddresses.Of(refused, settlement, accounts.Directory) : [],
            };
    }

    private IReadOnlyList<DestinationCount> CountsOf(MailContent tried) =>
        accounts.Directory.Find(tried.Account)?.Limits is { Destinations: { } destinations } limits
            ? DestinationTally.Of(destinations, limits.Count, tried.Slice)
            : [];

    // A pool's mail that was refused because of its sender alone may go by another account of the pool; without another it has failed.
    private Settlement? Excluded(Outcome.Attempted tried, long now)
    {
        var directory = accounts.Directory;
        if (
            tried is not { Content.Pool: { } key, Verdicts.Count: > 0 }
            || directory.Pools.Find(key) is not { } pool
            || !tried.Verdicts.All(static v => v is { IsExcluded: true, Verdict: Verdict.Refused })
        )
            return null;
        var account = directory.Find(tried.Content.Account)?.Id;
        var excluded = tried.Ticket.NotBy?.Split(',') ?? [];
        AccountKey[] others =
        [
            .. directory
                .MembersOf(pool)
                .Select(static m => m.Account)
                .Where(o => o.Id != account && !excluded.Contains(o.Id))
                .Select(static o => o.Key),
        ];
        return account is null || others.Length == 0
            ? null
            : Settler.Excluded(tried.Ticket, tried.Content, account, others is [var only] ? only : null, now);
    }

    private void After(Outcome item, Settlement? write, bool written, long now)
    {
        if (item is Outcome.Attempted attempted)
            SlowedDomains.Tell(attempted, wake);
        switch (item)
        {
            case Outcome.NotYet:
                return; // Wake.Return brings the ticket back; the claim stays
            case Outcome.ByAnother:
                wake.Return(item.Ticket);
                return;
            case Outcome.AccountToBlame { Trouble: var trouble }:
                watch.Trouble(trouble, item.IsProbe); // before the mail is due again, so that its lane is parked by then
                break;
            case Outcome.Attempted { Trouble: { } trouble }:
                watch.Trouble(trouble, item.IsProbe);
                break;
            case Outcome.Attempted { Verdicts: var verdicts, IsProbe: true } tried
                when verdicts.Any(static v => v.SmtpCode is not null || v.Verdict == Verdict.Accepted):
                watch.Succeeded(tried.Content.Account, true);
                break;
            case Outcome.HeldBack { Account: var account }:
                watch.Remind(account);
                break;
        }

        if (write is not null && ContentOf(item) is { } content)
            After(write, content, written);
        else if (item is Outcome.Postponed)
            // The mail could not be loaded, so nothing can be written; only its lane waits a little.
            Return(item.Ticket, now + (long)options.PostponeSteps[0].TotalMilliseconds);
        else
            Return(item.Ticket, item.Ticket.Due);
    }

    private static MailContent? ContentOf(Outcome item) =>
        item switch
        {
            Outcome.Attempted { Content: var content } => content,
            Outcome.Suppressed { Content: var content } => content,
            Outcome.Unsendable { Content: var content } => content,
            Outcome.Released { Content: var content } => content,
            Outcome.Postponed { Content: var content } => content,
            Outcome.AccountToBlame { Content: var content } => content,
            Outcome.HeldBack { Content: var content } => content,
            Outcome.PutOff { Content: var content } => content,
            _ => null,
        };

    private void After(Settlement settlement, MailContent content, bool written)
    {
        var ticket = settlement.Ticket;
        if (!written)
        {
            Log.Stale(logger, content.Key.Id, settlement.State);
            Return(ticket, ticket.Due);
            return;
        }

        _meter.Settled(settlement, content);
        if (settlement.State is MessageState.Failed or MessageState.PartiallySent or MessageState.Ambiguous)
            LogEnd(settlement, content);
        wake.Done(ticket);
        if (settlement.Step is not QueueStep.Again again)
            return;
        // The store leaves it where it was when that other lane is gone.
        wake.Due(ticket.Lane, again.Due);
        if (again.Lane is { } lane && lane != ticket.Lane)
            wake.Due(lane, again.Due);
    }

    // Without the server's reply, which often names the recipient: addresses are logged at Debug only.
    private void LogEnd(Settlement settlement, MailContent content)
    {
        var account = accounts.Directory.Find(content.Account);
        var refused = settlement.Recipients.FirstOrDefault(r => r.State is RecipientState.Failed);
        var code = string.Join(
            ' ',
            new[] { refused?.SmtpCode?.ToString(System.Globalization.CultureInfo.InvariantCulture), refused?.EnhancedCode }.Where(text =>
                text is not null
            )
        );
        var server = account is { Sandbox: false } ? $"{account.Host}:{account.Port}" : "sandbox";
        Log.Ended(
            logger,
            content.Key.Tenant,
            content.Key.Id,
            settlement.State.Name(),
            account?.Id ?? "(deleted)",
            server,
            code.Length > 0 ? code : "no reply"
        );
        if (refused?.Reply is { } reply)
            Log.Refused(logger, content.Key.Tenant, content.Key.Id, reply);
    }

    private void Return(QueuedMail ticket, long due)
    {
        wake.Done(ticket);
        wake.Due(ticket.Lane, due);
    }

    private long Now() => clock.GetUtcNow().ToUnixTimeMilliseconds();

    private static partial class Log
    {
        [LoggerMessage(
            600,
            LogLevel.Warning,
            "{Count} messages were being sent when the last run ended; whether they arrived is unknown. Each is settled by its "
                + "own on_ambiguous"
        )]
        public static partial void InDoubt(ILogger logger, int count);

        [LoggerMessage(
            605,
            LogLevel.Information,
            "The server had answered {Count} messages whose outcome the last run did not come to store"
        )]
        public static partial void Answered(ILogger logger, int count);

        [LoggerMessage(603, LogLevel.Warning, "Message {Tenant}/{Message} is {State} by account {Account} ({Server}): {Code}")]
        public static partial void Ended(
            ILogger logger,
            string tenant,
            string message,
            string state,
            string account,
            string server,
            string code
        );

        [LoggerMessage(604, LogLevel.Debug, "Message {Tenant}/{Message} was refused: {Reply}")]
        public static partial void Refused(ILogger logger, string tenant, string message, string reply);

        [LoggerMessage(
            602,
            LogLevel.Warning,
            "The outcome {State} of message {Message} arrived for an attempt that is no longer open; nothing was changed"
        )]
        public static partial void Stale(ILogger logger, string message, Mail.MessageState state);
    }
}
