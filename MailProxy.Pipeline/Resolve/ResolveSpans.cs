using System.Diagnostics;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Telemetry;

namespace MailProxy.Pipeline.Resolve;

/// <summary>
/// The spans of a mail that leaves the stage: <c>queue</c>, from when it was due until its turn, and <c>resolve</c>, from its turn until it
/// has what it needs. The time in which it was set aside for attachments is in the queue.
/// </summary>
internal sealed class ResolveSpans(TimeProvider clock)
{
    /// <summary>The time of a turn that begins; default: nobody wants to know.</summary>
    public DateTimeOffset Turn() => MailSpans.IsOn ? clock.GetUtcNow() : default;

    public void Passed(ResolvedMail mail, DateTimeOffset turn) => Tell(mail.Due.Ticket, mail.Content, turn)?.End(clock.GetUtcNow());

    /// <summary>It goes no further now.</summary>
    public void Ended(Outcome outcome, DateTimeOffset turn)
    {
        var (content, type) = outcome switch
        {
            Outcome.Postponed later => (later.Content, "postponed"),
            Outcome.Unsendable never => (never.Content, "unsendable"),
            Outcome.Suppressed kept => (kept.Content, "suppressed"),
            Outcome.PutOff later => (later.Content, "destination_limit"),
            _ => (null, ""),
        };
        if (content is not null)
            Tell(outcome.Ticket, content, turn)?.Failed(type).End(clock.GetUtcNow());
    }

    private static MailSpan? Tell(QueuedMail ticket, MailContent content, DateTimeOffset turn)
    {
        if (content.Trace is not { } trace || turn == default)
            return null;
        if (Due(ticket, content) is { } due && due <= turn)
            Begin(MailSpans.Queue, ticket, content, trace, due)?.End(turn);
        return Begin(MailSpans.Resolve, ticket, content, trace, turn)?.Set("mailproxy.attachments.fetched", Fetched(content));
    }

    private static MailSpan? Begin(string name, QueuedMail ticket, MailContent content, TraceContext trace, DateTimeOffset start) =>
        MailSpans
            .Begin(name, ActivityKind.Internal, trace, start)
            ?.About(content.Key)
            .Set("mailproxy.priority", ticket.Priority.ToString().ToLowerInvariant());

    private static object? Fetched(MailContent content) => content.Sources > 0 ? content.Sources : null;

    // The next slice of a message is due when the one before it ended, which its ticket does not say.
    private static DateTimeOffset? Due(QueuedMail ticket, MailContent content) =>
        ticket.Due > 0 ? DateTimeOffset.FromUnixTimeMilliseconds(ticket.Due)
        : ticket.Attempt == 0 ? DateTimeOffset.FromUnixTimeMilliseconds(Math.Max(content.CreatedAt, content.SendAt ?? 0))
        : null;
}
