using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Report;
using NUnit.Framework;

namespace MailProxy.Tests.Report;

public sealed class EndpointFilterTests
{
    [TestCase("", false, EventType.MessageQueued, MessageState.Queued, true)]
    [TestCase("", false, EventType.AccountThrottled, MessageState.Queued, true)]
    [TestCase("message.sent,message.failed", false, EventType.MessageSent, MessageState.Sent, true)]
    [TestCase("message.sent,message.failed", false, EventType.MessageDeferred, MessageState.Deferred, false)]
    [TestCase("", true, EventType.MessageDeferred, MessageState.Deferred, false)]
    [TestCase("", true, EventType.MessageAmbiguous, MessageState.Deferred, false)]
    [TestCase("", true, EventType.MessageAmbiguous, MessageState.Ambiguous, true)]
    [TestCase("", true, EventType.AccountThrottled, MessageState.Queued, false)]
    [TestCase("", false, EventType.MessageSuppressed, MessageState.Queued, true)]
    [TestCase("", true, EventType.MessageSuppressed, MessageState.Queued, false)]
    [TestCase("", true, EventType.MessageSuppressed, MessageState.Suppressed, true)]
    [TestCase("message.sent", true, EventType.MessageFailed, MessageState.Failed, false)]
    public void Wants_TypesAndFinalOnly_AreBothAsked(string types, bool finalOnly, EventType type, MessageState status, bool wanted)
    {
        var endpoint = new WebhookEndpoint(
            "default",
            "w",
            "http://x",
            "",
            types.Split(',', StringSplitOptions.RemoveEmptyEntries),
            finalOnly,
            1,
            false,
            new(0)
        );
        var message = type.Name().StartsWith("message.", StringComparison.Ordinal) ? "m" : null;

        Assert.That(
            new EndpointFilter(endpoint).Wants(new(1, type, 0, "default", message, 1, status, null, 0, null, null, null, default)),
            Is.EqualTo(wanted)
        );
    }

    // Others of the message still get theirs: it has not failed.
    [TestCase(MessageState.Queued, false)]
    [TestCase(MessageState.Suppressed, true)]
    public void Wants_SyncOfASuppressedRecipient_OnlyWhenTheMessageIs(MessageState status, bool wanted)
    {
        var endpoint = new WebhookEndpoint("default", "w", "http://x", "", [], false, 1, false, new(0)) { Style = ReportStyle.Sync };
        var suppressed = new MailEvent(1, EventType.MessageSuppressed, 0, "default", "m", 2, status, null, 0, null, null, null, default);
        Assert.That(new EndpointFilter(endpoint).Wants(suppressed), Is.EqualTo(wanted));
    }
}
