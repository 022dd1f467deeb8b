using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Pipeline.Report;

/// <summary>Counts the states of a message's recipients once the verdicts of a slice are known.</summary>
internal sealed class RoundTally
{
    private readonly RetryPolicy _retry;
    private readonly MailContent _content;
    private readonly double _chance;
    private readonly List<(string Address, RecipientUpdate Update)> _changed = [];

    public RoundTally(RetryPolicy retry, MailContent content, double chance)
    {
        (_retry, _content, _chance) = (retry, content, chance);
        var standing = content.Standing;
        (Rest, Waiting, Sent, Failed, Ambiguous) = (standing.Rest, standing.Deferred, standing.Sent, standing.Failed, standing.Ambiguous);
        // Deferred recipients of earlier slices wait by the schedule; the delays that their replies requested are not stored.
        if (Waiting > 0)
            Wait = retry.Delay(standing.Round, null, chance) ?? retry.Longest;
    }

    public IReadOnlyList<(string Address, RecipientUpdate Update)> Changed => _changed;
    public int Rest { get; private set; }
    public int Waiting { get; private set; }
    public int Sent { get; private set; }
    public int Failed { get; private set; }
    public int Ambiguous { get; private set; }

    /// <summary>Recipients of this slice that a suppression list keeps the mail from; they do not decide the message's state.</summary>
    public int Suppressed { get; private set; }

    /// <summary>Recipients of this slice in doubt, whatever the policy does with them.</summary>
    public int InDoubt { get; private set; }

    /// <summary>Whether a recipient in doubt will be sent to again.</summary>
    public bool MayDouble { get; private set; }

    /// <summary>The wait until the next round: the longest of the recipients' waits, so that none is retried before the time it
    /// requested.</summary>
    public TimeSpan Wait { get; private set; }

    public void Untried() => Rest++;

    public void Add(RecipientVerdict verdict)
    {
        switch (verdict.Verdict)
        {
            case Verdict.NotTried:
                Rest++;
                return;
            case Verdict.Accepted:
                Sent++;
                Change(verdict, RecipientState.Sent);
                return;
            case Verdict.Refused:
                Failed++;
                Change(verdict, RecipientState.Failed);
                return;
            case Verdict.Deferred when _retry.Delay(_content.Standing.Round, verdict.RetryAfter, _chance) is { } wait:
                Later(verdict.LeastWait is { } least && least > wait ? Least(least) : wait);
                Change(verdict, RecipientState.Deferred);
                return;
            case Verdict.Deferred:
                Failed++;
                Change(verdict, RecipientState.Failed);
                return;
            case Verdict.Suppressed:
                Suppressed++;
                Change(verdict, RecipientState.Suppressed);
                return;
            case Verdict.InDoubt:
                InDoubt++;
                Change(verdict, Doubt());
                return;
            default:
                throw new ArgumentOutOfRangeException(nameof(verdict), verdict.Verdict, null);
        }
    }

    private RecipientState Doubt()
    {
        var wait = _retry.Delay(_content.Standing.Round, null, _chance);
        if (_content.OnAmbiguous == AmbiguousPolicy.AssumeSent || (_content.OnAmbiguous == AmbiguousPolicy.Retry && wait is null))
        {
            Ambiguous++;
            return RecipientState.Ambiguous;
        }

        MayDouble = true;
        Later(wait ?? TimeSpan.Zero);
        return RecipientState.InDoubt;
    }

    // A profile stretches the operator's schedule, and never beyond its longest step.
    private TimeSpan Least(TimeSpan least) => least < _retry.Longest ? least : _retry.Longest;

    private void Later(TimeSpan wait)
    {
        Waiting++;
        if (wait > Wait)
            Wait = wait;
    }

    private void Change(RecipientVerdict verdict, RecipientState state) =>
        _changed.Add(
            (
                verdict.Address,
                new(verdict.Ordinal, state, Tried: true, verdict.SmtpCode, verdict.EnhancedCode, verdict.Reply) { Rule = verdict.Rule }
            )
        );
}
