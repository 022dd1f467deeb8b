using System.Text;
using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Report;
using MailProxy.Pipeline.Storage;
using NUnit.Framework;

namespace MailProxy.Tests.Report;

/// <summary>The entries of a report of style genro, key by key.</summary>
public sealed class GenroReportTests
{
    private const string Refused =
        "\"recipients\":[{\"email\":\"a@x\",\"status\":\"failed\",\"smtp_code\":550,\"enhanced_code\":\"5.1.1\",\"reply\":\"5.1.1 No\"}]";

    private const string AtLimit =
        "\"recipients\":[{\"email\":\"a@x\",\"status\":\"failed\",\"smtp_code\":null,\"enhanced_code\":\"5.7.28\",\"reply\":\"A limit.\"}]";

    [TestCase(EventType.MessageSent, MessageState.Sent, Refused, "\"sent_ts\":12")]
    [TestCase(EventType.MessageFailed, MessageState.Failed, Refused, "\"error_ts\":12,\"error\":\"550 5.1.1 No\"")]
    [TestCase(EventType.MessageFailed, MessageState.Failed, AtLimit, "\"error_ts\":12,\"error\":\"rate_limit_exceeded\"")]
    [TestCase(EventType.MessageCancelled, MessageState.Cancelled, "", "\"error_ts\":12,\"error\":\"Cancelled.\"")]
    [TestCase(
        EventType.MessagePartiallySent,
        MessageState.PartiallySent,
        Refused,
        "\"sent_ts\":12,\"error_ts\":12,\"error\":\"550 5.1.1 No\""
    )]
    [TestCase(
        EventType.MessageDeferred,
        MessageState.Deferred,
        "\"next_attempt_at\":\"1970-01-01T00:05:00.000Z\"," + Refused,
        "\"deferred_ts\":300,\"deferred_reason\":\"550 5.1.1 No\""
    )]
    [TestCase(
        EventType.MessageBounced,
        MessageState.Sent,
        "\"bounce_type\":\"hard\",\"bounce_code\":\"5.1.1\",\"bounce_reason\":\"No\"",
        "\"bounce_ts\":12,\"bounce_type\":\"hard\",\"bounce_code\":\"5.1.1\",\"bounce_reason\":\"No\""
    )]
    public void Write_Event_IsAnEntryWithoutATenant(EventType type, MessageState status, string detail, string expected)
    {
        var one = new MailEvent(1, type, 12_345, "acme", "m1", 1, status, "main", 1, null, null, null, Encoding.UTF8.GetBytes(detail));
        Assert.That(Encoding.UTF8.GetString(GenroReport.Write([one])), Is.EqualTo($$"""{"delivery_report":[{"id":"m1",{{expected}}}]}"""));
    }

    [TestCase(EventType.MessageSent, MessageState.Sent, Refused, "\"sent_ts\":12,\"error_ts\":null,\"error\":null")]
    [TestCase(EventType.MessageFailed, MessageState.Failed, Refused, "\"sent_ts\":null,\"error_ts\":12,\"error\":\"550 5.1.1 No\"")]
    [TestCase(EventType.MessageFailed, MessageState.Failed, AtLimit, "\"sent_ts\":null,\"error_ts\":12,\"error\":\"rate_limit_exceeded\"")]
    [TestCase(
        EventType.MessagePartiallySent,
        MessageState.PartiallySent,
        Refused,
        "\"sent_ts\":12,\"error_ts\":12,\"error\":\"550 5.1.1 No\""
    )]
    public void Write_EventInStyleFinal_HasAllSevenMembers(EventType type, MessageState status, string detail, string expected)
    {
        var bytes = Encoding.UTF8.GetBytes(detail);
        var one = new MailEvent(1, type, 12_345, "acme", "m1", 1, status, "main", 1, null, null, null, bytes) { Priority = Priority.High };
        Assert.That(
            Encoding.UTF8.GetString(GenroReport.Write([one], ReportStyle.GenroFinal)),
            Is.EqualTo($$"""{"delivery_report":[{"id":"m1","account_id":"main","priority":1,{{expected}},"deferred_ts":null}]}""")
        );
    }

    [TestCase(EventType.MessageSent, MessageState.Sent, true)]
    [TestCase(EventType.MessageFailed, MessageState.Failed, true)]
    [TestCase(EventType.MessageCancelled, MessageState.Cancelled, true)]
    [TestCase(EventType.MessageDeferred, MessageState.Deferred, false)]
    [TestCase(EventType.MessageBounced, MessageState.Sent, false)]
    [TestCase(EventType.MessageQueued, MessageState.Queued, false)]
    public void Wants_EventInStyleFinal_OnlyOfFinalStates(EventType type, MessageState status, bool wanted) =>
        Assert.That(
            new Subscription([], finalOnly: false, ReportStyle.GenroFinal).Wants(type, aboutMessage: true, status),
            Is.EqualTo(wanted)
        );

    [Test]
    public void Write_Nothing_IsAnEmptyReport() =>
        Assert.That(Encoding.UTF8.GetString(GenroReport.Write([])), Is.EqualTo("""{"delivery_report":[]}"""));
}
