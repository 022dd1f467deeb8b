using System.Text;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Report;
using NUnit.Framework;

namespace MailProxy.Tests.Report;

public sealed class SyncReportTests
{
    private const string One =
        "\"recipients\":[{\"email\":\"a@x\",\"status\":\"failed\",\"smtp_code\":550,\"enhanced_code\":\"5.1.1\",\"reply\":\"5.1.1 "
        + "No such user\"}]";

    private const string Two =
        "\"recipients\":[{\"email\":\"a@x\",\"status\":\"sent\",\"smtp_code\":250,\"enhanced_code\":null,\"reply\":\"ok\"},"
        + "{\"email\":\"b@x\",\"status\":\"failed\",\"smtp_code\":550,\"enhanced_code\":\"5.7.1\",\"reply\":\"No\"}]";

    [TestCase(EventType.MessageSent, MessageState.Sent, One, "\"sent_ts\":12")]
    [TestCase(EventType.MessageFailed, MessageState.Failed, One, "\"error_ts\":12,\"error\":\"550 5.1.1 No such user\"")]
    [TestCase(EventType.MessageFailed, MessageState.Failed, "", "\"error_ts\":12,\"error\":\"It could not be delivered.\"")]
    [TestCase(EventType.MessagePartiallySent, MessageState.PartiallySent, Two, "\"error_ts\":12,\"error\":\"b@x: 550 5.7.1 No\"")]
    [TestCase(EventType.MessageExpired, MessageState.Expired, "", "\"error_ts\":12,\"error\":\"Expired before it could be delivered.\"")]
    [TestCase(
        EventType.MessageExpired,
        MessageState.Expired,
        One,
        "\"error_ts\":12,\"error\":\"Expired before it could be delivered. The last attempt: 550 5.1.1 No such user\""
    )]
    [TestCase(EventType.MessageCancelled, MessageState.Cancelled, One, "\"error_ts\":12,\"error\":\"Cancelled.\"")]
    [TestCase(EventType.MessageSuppressed, MessageState.Suppressed, "", "\"error_ts\":12,\"error\":\"The recipient is suppressed.\"")]
    [TestCase(
        EventType.MessageAmbiguous,
        MessageState.Ambiguous,
        "",
        "\"error_ts\":12,\"error\":\"It is not known whether the server took the message, and it is not sent again.\""
    )]
    [TestCase(EventType.MessageDeferred, MessageState.Deferred, One, "\"deferred_ts\":12,\"deferred_reason\":\"550 5.1.1 No such user\"")]
    [TestCase(
        EventType.MessageDeferred,
        MessageState.Deferred,
        "\"reason\":\"The disk is full.\",\"recipients\":[]",
        "\"deferred_ts\":12,\"deferred_reason\":\"The disk is full.\""
    )]
    [TestCase(
        EventType.MessageBounced,
        MessageState.Sent,
        "\"bounce_type\":\"hard\",\"bounce_code\":\"5.1.1\"",
        "\"bounce_ts\":12,\"bounce_type\":\"hard\",\"bounce_code\":\"5.1.1\",\"bounce_reason\":null"
    )]
    public void Write_Event_IsAnEntry(EventType type, MessageState status, string detail, string expected) =>
        Assert.That(
            Text([Event(1, type, status, detail)]),
            Is.EqualTo($$"""{"delivery_report":[{"tenant_id":"acme","id":"m1",{{expected}}}]}""")
        );

    [Test]
    public void Write_Nothing_IsAnEmptyReport() => Assert.That(Text([]), Is.EqualTo("""{"delivery_report":[]}"""));

    [Test]
    public void Write_LongReplies_AreCut()
    {
        var detail = One.Replace("No such user", new string('x', 5_000), StringComparison.Ordinal);
        Assert.That(Text([Event(1, EventType.MessageFailed, MessageState.Failed, detail)]), Has.Length.LessThan(1_200));
    }

    private static string Text(IEnumerable<MailEvent> events) => Encoding.UTF8.GetString(SyncReport.Write(events));

    private static MailEvent Event(long position, EventType type, MessageState status, string detail) =>
        new(position, type, 12_345, "acme", "m1", 1, status, "main", 1, null, null, null, Encoding.UTF8.GetBytes(detail));
}
