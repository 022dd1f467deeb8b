using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Report;

namespace MailProxy.Tests.Report;

/// <summary>Events of messages, and what an outbox makes of them.</summary>
internal abstract class OutboxFixture
{
    protected static OutboxRequest? Next(Outbox outbox)
    {
        outbox.Cut();
        return outbox.Next(outbox.Kept);
    }

    protected static OutboxRequest? Probe(Outbox outbox)
    {
        outbox.Cut();
        return outbox.Probe(outbox.Kept);
    }

    protected static List<OutboxRequest> Requests(Outbox outbox)
    {
        var requests = new List<OutboxRequest>();
        while (Next(outbox) is { } next)
            requests.Add(next);
        return requests;
    }

    protected static MailEvent Event(long position, string message) =>
        new(
            position,
            EventType.MessageQueued,
            position * 1000,
            "default",
            message,
            1,
            MessageState.Queued,
            "main",
            0,
            null,
            null,
            null,
            default
        );
}
