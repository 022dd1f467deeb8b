using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

/// <summary>That a recipient unsubscribed ends no message, though it comes behind the end.</summary>
internal sealed class SubscriptionTests
{
    [TestCase("", false, ReportStyle.Events, true)]
    [TestCase("message.unsubscribed", false, ReportStyle.Events, true)]
    [TestCase("message.sent", false, ReportStyle.Events, false)]
    [TestCase("", true, ReportStyle.Events, false)]
    [TestCase("message.sent message.unsubscribed", true, ReportStyle.Events, true)]
    [TestCase("message.sent", true, ReportStyle.Events, false)]
    [TestCase("", false, ReportStyle.Sync, false)]
    public void Wants_Unsubscribed_WhereItIsNoEndOrIsNamed(string types, bool finalOnly, ReportStyle style, bool wanted) =>
        Assert.That(
            new Subscription(types.Split(' ', StringSplitOptions.RemoveEmptyEntries), finalOnly, style).Wants(
                EventType.MessageUnsubscribed,
                aboutMessage: true,
                MessageState.Sent
            ),
            Is.EqualTo(wanted)
        );
}
