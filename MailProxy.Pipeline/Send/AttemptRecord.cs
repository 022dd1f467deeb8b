using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Send;

/// <summary>What was said while a connection was opened, up to its failure.</summary>
/// <param name="Address">The address connected to; null: there was no connection.</param>
internal sealed record OpeningTranscript(Transcript Transcript, PhaseClock Clock, string? Address);

/// <summary>Makes of an attempt that did not simply succeed what is kept with its message. Pure, but for the clock's time.</summary>
internal static class AttemptRecord
{
    /// <summary>Of a transaction; null: nothing is kept of it.</summary>
    public static MailAttempt? Of(ResolvedMail mail, Outcome outcome, TransactionResult result, SmtpConnection connection, SendRun run)
    {
        if (result.Transcript is not { } transcript || !IsKept(outcome, run))
            return null;
        return Make(
            mail,
            outcome,
            transcript,
            connection.Clock,
            connection.Address,
            connection.Tls,
            isReused: connection.Messages > 1,
            result.Trouble,
            run
        );
    }

    /// <summary>Of a connection that did not come about; null: nothing is kept of it.</summary>
    public static MailAttempt? Of(ResolvedMail mail, Outcome outcome, SmtpOpenException failure, SendRun run) =>
        IsKept(outcome, run) && failure.TakeTranscript() is { } opening
            ? Make(mail, outcome, opening.Transcript, opening.Clock, opening.Address, failure.Tls, false, failure.Message, run)
            : null;

    /// <summary>What an outcome is called.</summary>
    public static string NameOf(IReadOnlyList<RecipientVerdict> verdicts)
    {
        // The worst verdict names the attempt, but mixed verdicts with an acceptance are "partial".
        bool Any(Verdict verdict) => verdicts.Any(v => v.Verdict == verdict);
        if (Any(Verdict.InDoubt))
            return AttemptOutcomes.InDoubt;
        if (Any(Verdict.Accepted))
            return verdicts.All(static v => v.Verdict == Verdict.Accepted) ? AttemptOutcomes.Accepted : AttemptOutcomes.Partial;
        return Any(Verdict.Deferred) ? AttemptOutcomes.Deferred : AttemptOutcomes.Refused;
    }

    private static bool IsKept(Outcome outcome, SendRun run) =>
        run.Options.Dialogues > 0 && outcome is Outcome.Attempted or Outcome.AccountToBlame;

    private static MailAttempt Make(
        ResolvedMail mail,
        Outcome outcome,
        Transcript transcript,
        PhaseClock clock,
        string? address,
        string? tls,
        bool isReused,
        string? error,
        SendRun run
    )
    {
        var account = mail.Account;
        // A server may say a password again at any time.
        transcript.Hide(account.Password ?? "");
        var (lines, leftOut, took) = DialogueText.Of(transcript, clock, clock.Timestamp, run.Options.DialogueBytes, transcript.Conceal);
        var ended = run.Clock.GetUtcNow().ToUnixTimeMilliseconds();
        return new(
            mail.Content.Standing.Attempts + 1,
            outcome is Outcome.Attempted,
            account.Key,
            ended - (long)took.TotalMilliseconds,
            ended,
            new(
                outcome is Outcome.Attempted tried ? NameOf(tried.Verdicts) : AttemptOutcomes.Account,
                ServerName.Of(account).ToString(),
                address,
                tls,
                isReused,
                error is null ? null : transcript.Conceal(SmtpReply.OneLine(error)),
                lines,
                leftOut
            ),
            run.Options.Dialogues
        );
    }
}
